//! Ids as parts of a path.

/// A text without the form of an id. No request was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no id: give 24 hexadecimal digits, as the server names it")]
pub struct InvalidId {
    /// The text.
    pub given: String,
}

/// An id that stays one part of a path.
#[cfg(any(feature = "rest", feature = "terminal"))]
pub(crate) fn check(given: &str) -> Result<&str, InvalidId> {
    let is_id = given.len() == 24 && given.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(given).ok_or_else(|| InvalidId {
        given: given.to_owned(),
    })
}

#[cfg(all(test, any(feature = "rest", feature = "terminal")))]
mod tests {
    use super::*;

    #[test]
    fn only_hexadecimal_ids_enter_a_path() {
        assert!(check("0123456789abcdef01234567").is_ok());
        for bad in [
            "",
            "0123",
            "0123456789abcdef0123456/",
            "../../../../../../../../",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
