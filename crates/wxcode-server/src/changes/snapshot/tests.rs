use super::*;

#[test]
fn names_and_counts_are_joined() {
    let names = b"A\0a b\0D\0d\0M\0m\0";
    let counts = b"2\t0\ta b\0\x30\t7\td\0-\t-\tm\0";
    let file = |path: &str, status, additions, deletions| ChangedFile {
        path: path.to_owned(),
        status,
        additions,
        deletions,
    };
    assert_eq!(
        files(names, counts),
        [
            file("a b", "added", Some(2), Some(0)),
            file("d", "deleted", Some(0), Some(7)),
            file("m", "modified", None, None),
        ]
    );
    assert_eq!(files(b"", b""), []);
}

#[test]
fn alternates_are_quoted() {
    assert_eq!(quoted(Path::new("/a:b/\"c\\")), "\"/a:b/\\\"c\\\\\"");
}
