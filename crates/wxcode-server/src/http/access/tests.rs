use super::*;

#[test]
fn paths_are_encoded_for_a_query() {
    assert_eq!(encoded("/a?b=c&d"), "/a%3Fb%3Dc%26d");
}
