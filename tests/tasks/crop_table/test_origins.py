from tasks.crop_table.origins import LIVE, USER, kept_name, origin_of


def test_what_the_live_page_kept_is_known_by_its_name():
    name = kept_name("0123456789abcdef" * 4)
    assert origin_of(name) == origin_of(f"folder/{name}") == LIVE
    for other in ("live-word.png", "word.png", f"{name}.jpg", f"x{name}"):
        assert origin_of(other) == USER
