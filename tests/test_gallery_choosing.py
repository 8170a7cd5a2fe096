"""Which entries and which of their pictures a gallery shows."""

from test_records import sample_record

from bench.gallery import choosing


def test_own_cases_are_the_ends_and_the_middle_with_ties_by_id() -> None:
    assert choosing.own(["d", "c", "b", "a"], [3.0, 1.0, 1.0, 3.0]) == (2, 1, 3)
    assert choosing.own(["a", "b", "c", "d", "e"], [5, 4, 3, 2, 1]) == (4, 2, 0)
    assert choosing.own(["only"], [1.0]) == (0, 0, 0)


def test_common_images_do_not_depend_on_order_and_are_of_different_groups() -> None:
    ids, groups = [f"i{place}" for place in range(40)], ["one"] * 39 + ["two"]
    found = {ids[row] for row in choosing.common(ids, groups)}
    assert len(found) == choosing.COMMON
    assert "i39" in found
    back = choosing.common(ids[::-1], groups[::-1])
    assert {ids[::-1][row] for row in back} == found
    assert len(choosing.common(ids, ["one"] * 40)) == choosing.COMMON


def test_a_clip_is_whole_and_its_middle_and_last_frame_stand_for_it() -> None:
    frames = [0, 1, 2, 0, 1, 2, 3, 0, 1]
    rows = choosing.clip([f"f{place}" for place in range(9)], frames)
    assert [frames[row] for row in rows] == list(range(len(rows)))
    assert rows[-1] + 1 == 9 or frames[rows[-1] + 1] == 0
    assert choosing.of_clip([3, 4, 5, 6]) == [5, 6]
    assert len(choosing.clip([f"f{place}" for place in range(50)], list(range(50)))) == choosing.FRAMES


def test_entries_stand_where_they_learned_the_best_first() -> None:
    values = {f"m{place}@anime": 10.0 + place for place in range(choosing.ENTRIES + 1)}
    records = [sample_record(name, values={"ciede2000": value}) for name, value in values.items()]
    records += [sample_record("m0@anime", seed=1, values={"ciede2000": 1.0})]
    records += [sample_record("other@manga", values={"ciede2000": 2.0}), sample_record("mean-chroma")]
    records += [sample_record("gray-copy", values={"ciede2000": 99.0})]
    records += [sample_record("studio", kind="submission", values={"ciede2000": 3.0})]
    kept, left_out = choosing.entries(records[::-1], "anime")
    names = [record.entry.name for record in kept]
    assert names == ["studio", *list(values)[: choosing.ENTRIES - 1], "gray-copy"]
    assert [record.seed for record in kept] == [0] * len(kept)
    assert left_out["other@manga"] == "not trained on anime"
    assert {name for name, why in left_out.items() if "behind" in why} == set(list(values)[choosing.ENTRIES - 1 :])


def test_an_entry_stands_where_the_mean_of_its_seeds_puts_it() -> None:
    values = {"lucky@anime": (5.0, 20.0), "steady@anime": (9.0, 10.0), "last@anime": (15.0, 15.0)}
    records = [
        sample_record(name, seed=seed, values={"ciede2000": value})
        for name, found in values.items()
        for seed, value in enumerate(found)
    ]
    kept, left_out = choosing.entries(records, "anime", most=2)
    assert [(record.entry.name, record.seed) for record in kept] == [("steady@anime", 0), ("lucky@anime", 0)]
    assert left_out == {"last@anime": "behind the first 2"}
