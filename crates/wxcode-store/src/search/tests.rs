use super::*;

fn entry(start: u64, words: &str) -> Entry {
    Entry {
        start,
        end: start + 10,
        words: words.to_owned(),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn prefixes_are_found_in_later_rows_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("search.db");
    let index = SearchIndex::open(&path).unwrap();
    let [a, b] = ["0123456789abcdef01234567", "0123456789abcdef01234568"]
        .map(|id| id.parse::<Id>().unwrap());
    let one = Uuid::from_u128(1);
    let reached = Reached {
        identity: (u64::MAX, 7),
        settled: 20,
        len: 40,
    };
    let entries = [entry(0, "the coracao"), entry(20, "corpo the 日本語")];
    index.replace(a, one, 0, &entries, reached).unwrap();
    index
        .replace(b, one, 0, &[entry(0, "corpo")], reached)
        .unwrap();
    assert_eq!(index.reached(a, one).unwrap(), Some(reached));
    let places = |query: &[&str], project, before| -> Vec<(Id, u64)> {
        let found = index.find(&words(query), project, before, 10).unwrap();
        found.iter().map(|hit| (hit.project, hit.start)).collect()
    };
    assert_eq!(places(&["cor"], None, None), [(b, 0), (a, 20), (a, 0)]);
    assert_eq!(places(&["c"], None, None), [(b, 0), (a, 20), (a, 0)]);
    assert_eq!(places(&["c", "t"], None, None), [(a, 20), (a, 0)]);
    assert_eq!(places(&["cor", "th"], None, None), [(a, 20), (a, 0)]);
    assert_eq!(places(&["corp"], Some(b), None), [(b, 0)]);
    assert_eq!(places(&["日本"], None, None), [(a, 20)]);
    assert_eq!(places(&["orpo"], None, None), []);
    let last = index.find(&words(&["cor"]), None, None, 1).unwrap()[0].row;
    assert_eq!(places(&["cor"], None, Some(last)), [(a, 20), (a, 0)]);
    // The unsettled turns are read again.
    index
        .replace(a, one, 20, &[entry(20, "alma")], reached)
        .unwrap();
    assert_eq!(places(&["corpo"], None, None), [(b, 0)]);
    assert_eq!(places(&["alma"], None, None), [(a, 20)]);
    index.forget(b, one).unwrap();
    assert_eq!(places(&["corpo"], None, None), []);
    index.merge().unwrap();
    drop(index);
    // A damaged file is made anew.
    fs::write(
        &path,
        "no database at all, but long enough for a header of one",
    )
    .unwrap();
    let index = SearchIndex::open(&path).unwrap();
    assert_eq!(index.reached(a, one).unwrap(), None);
}
