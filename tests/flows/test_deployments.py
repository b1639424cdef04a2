from flows.deployments import NIGHTLY, deployments


def test_three_deployments_one_of_them_nightly():
    made = {each.name: each for each in deployments()}
    assert set(made) == {"pipeline", "mining-round", "report"}
    (schedule,) = made["pipeline"].schedules
    assert schedule.schedule.cron == NIGHTLY
    assert made["mining-round"].parameters == {"number": 1}
    assert not made["report"].schedules
