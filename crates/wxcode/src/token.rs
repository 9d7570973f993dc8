//! The API token: given, or generated once and stored in a file readable by its owner only.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use anyhow::{Context, bail};

use crate::{cli::Common, config, output};

/// Shortest accepted token, in bytes.
const TOKEN_MIN: usize = 8;
/// Largest token file, in bytes.
const FILE_MAX: u64 = 4 << 10; // 4 KiB

/// The token of the server with this data folder, generated if none exists yet.
pub(crate) fn load(common: &Common, data_dir: &Path) -> anyhow::Result<String> {
    if let Some(token) = given(common)? {
        return Ok(token);
    }
    let path = data_dir.join("token");
    match fs::read_to_string(&path) {
        Ok(text) => check(&text, &path.display().to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => make(&path),
        Err(error) => Err(error)
            .with_context(|| format!("cannot read {}: check its permissions", path.display())),
    }
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
    if token.len() < TOKEN_MIN || !token.chars().all(|c| c.is_ascii_graphic()) {
        bail!(
            "the token of {source} is not usable: give at least {TOKEN_MIN} printable ASCII characters without spaces"
        );
    }
    Ok(token.to_owned())
}

fn make(path: &Path) -> anyhow::Result<String> {
    let token = format!(
        "{}{}",
        uuid::Uuid::new_v4().simple(),
        uuid::Uuid::new_v4().simple()
    );
    let failed = || {
        format!(
            "cannot write {}: check the data folder's permissions",
            path.display()
        )
    };
    // Linked into place whole, so that two concurrent commands agree on the same token.
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| writeln!(file, "{token}"))
        .with_context(failed)?;
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => Ok(token),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => check(
            &fs::read_to_string(path).with_context(failed)?,
            &path.display().to_string(),
        ),
        Err(error) => Err(error).with_context(failed),
    }
}

/// `wxcode token`.
pub(crate) fn print(common: &Common) -> anyhow::Result<()> {
    let data_dir = config::data_dir(common)?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&data_dir)
        .with_context(|| format!("cannot create {}", data_dir.display()))?;
    output::print(load(common, &data_dir)?)
}
