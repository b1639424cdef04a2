from flows.deployments import deployments


def test_three_deployments_one_of_them_by_a_schedule():
    made = {each.name: each for each in deployments("30 4 * * 1")}
    assert set(made) == {"pipeline", "mining-round", "report"}
    (schedule,) = made["pipeline"].schedules
    assert schedule.schedule.cron == "30 4 * * 1"
    assert made["mining-round"].parameters == {"number": 1}
    assert not made["report"].schedules
