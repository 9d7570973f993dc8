//! Tokens that the user gives, by `WXCODE_TOKEN` or `--token-file`.

use std::{fs, io::Read};

use anyhow::{Context, bail};

use crate::cli::Common;

/// Shortest token of an admin in the environment of the server, in bytes.
const TOKEN_MIN: usize = 16;
/// Largest token file, in bytes.
const FILE_MAX: u64 = 4 << 10; // 4 KiB

/// The token of an admin that `serve` takes besides those of the store.
pub(crate) fn of_server(common: &Common) -> anyhow::Result<Option<String>> {
    let token = given(common)?;
    if token.as_ref().is_some_and(|token| token.len() < TOKEN_MIN) {
        bail!(
            "the given token is too short for an admin: give at least {TOKEN_MIN} characters, or none"
        );
    }
    Ok(token)
}

/// The user's token, from `--token-file` or `WXCODE_TOKEN`.
pub(crate) fn given(common: &Common) -> anyhow::Result<Option<String>> {
    if let Some(path) = &common.token_file {
        let mut text = String::new();
        fs::File::open(path)
            .and_then(|file| file.take(FILE_MAX).read_to_string(&mut text))
            .with_context(|| format!("cannot read {}: check --token-file", path.display()))?;
        return check(&text, &path.display().to_string()).map(Some);
    }
    let token = common.token.as_deref();
    token.map(|token| check(token, "WXCODE_TOKEN")).transpose()
}

fn check(text: &str, source: &str) -> anyhow::Result<String> {
    let token = text.trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        bail!(
            "the token of {source} is not usable: give printable ASCII characters without spaces"
        );
    }
    Ok(token.to_owned())
}
