//! The configuration file: taken, or refused with a bounded text that names the file.

/// Most bytes of a refusal beyond the text's own.
const REFUSAL_MAX: usize = 4 << 10;

/// Runs one input: the text of `wxcode.toml`.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let checked = wxcode::check(text);
    if toml::from_str::<toml::Table>(text).is_err() {
        assert!(checked.is_err(), "not even TOML");
    }
    if let Err(refusal) = checked {
        let bound = REFUSAL_MAX + 8 * text.len();
        assert!(!refusal.is_empty() && refusal.len() <= bound, "{refusal}");
    }
}
