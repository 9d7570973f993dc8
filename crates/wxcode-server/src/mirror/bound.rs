//! Keeps the copies of a project below their bound: drops the results of tools, oldest first.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::{Value, json};

use super::{
    checksum,
    entry::{Line, read_line},
    size::{DEPTH_MAX, size_below},
};

/// Full copies are shortened to this part of their bound.
const SHORTENED: (u64, u64) = (3, 4);
/// Smallest dropped result, in bytes.
const RESULT_MIN: usize = 512;
/// The extension of a copy.
const COPY: &str = "jsonl";
/// The extension of a shortened copy until it is whole.
const DRAFT: &str = "new";
/// Most entries of a project's copies.
const ENTRIES_MAX: usize = 50_000;

/// The size of all copies of a project.
pub(super) fn kept(project: &Path) -> u64 {
    size_below(project, &mut ENTRIES_MAX.clone(), DEPTH_MAX + 1)
}

/// Drops results of tools until the copies have [`SHORTENED`] of their bound. Returns the shortened
/// files, each with its size before and after.
pub(super) fn drop_tool_results(
    project: &Path,
    bound: u64,
) -> io::Result<Vec<(PathBuf, u64, u64)>> {
    let (part, whole) = SHORTENED;
    shorten(project, kept(project).saturating_sub(bound / whole * part))
}

fn shorten(project: &Path, surplus: u64) -> io::Result<Vec<(PathBuf, u64, u64)>> {
    let mut files = Vec::new();
    collect(project, DEPTH_MAX + 1, &mut files)?;
    files.sort();
    let mut left = surplus;
    let mut shortened = Vec::new();
    for (_, path) in files {
        if left == 0 {
            break;
        }
        let before = fs::metadata(&path)?.len();
        let saved = shorten_file(&path, left)?;
        if saved > 0 {
            left = left.saturating_sub(saved);
            shortened.push((path, before, before - saved));
        }
    }
    Ok(shortened)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<(SystemTime, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, files)?;
        } else if found.is_file() && entry.path().extension() == Some(DRAFT.as_ref()) {
            // Of a server that was killed.
            fs::remove_file(entry.path())?;
        } else if found.is_file() && entry.path().extension() == Some(COPY.as_ref()) {
            files.push((found.modified()?, entry.path()));
        }
    }
    Ok(())
}

/// Drops results from the beginning of a file until `surplus` bytes are saved; returns the saved
/// bytes.
fn shorten_file(path: &Path, surplus: u64) -> io::Result<u64> {
    let draft = path.with_extension(DRAFT);
    // A damaged line must not get a new checksum.
    checksum::verify(path, None)?;
    let mut from = BufReader::new(File::open(path)?);
    let to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    let mut to = BufWriter::new(to);
    let (mut line, mut saved) = (Vec::new(), 0);
    while saved < surplus && read_line(&mut from, &mut line)? == Line::Whole {
        match without_results(&line) {
            Some(shorter) if shorter.len() < line.len() => {
                saved += (line.len() - shorter.len()) as u64;
                to.write_all(&shorter)?;
            }
            Some(_) | None => to.write_all(&line)?,
        }
    }
    if saved == 0 {
        return fs::remove_file(&draft).map(|()| 0);
    }
    io::copy(&mut from, &mut to)?;
    let to = to.into_inner()?;
    // The order of the copies stays.
    to.set_modified(fs::metadata(path)?.modified()?)?;
    to.sync_all()?;
    checksum::forget(path)?;
    fs::rename(&draft, path)?;
    checksum::extend(path)?;
    Ok(saved)
}

/// The entry without its tools' results, each marked as dropped; `None` if it has none.
fn without_results(line: &[u8]) -> Option<Vec<u8>> {
    if line.len() < RESULT_MIN || memchr::memmem::find(line, b"\"tool_result\"").is_none() {
        return None;
    }
    let mut entry: Value = serde_json::from_slice(line).ok()?;
    let mut dropped = 0;
    let blocks = entry.pointer_mut("/message/content")?.as_array_mut()?;
    for block in blocks
        .iter_mut()
        .filter(|block| block["type"] == "tool_result")
    {
        let len = block["content"].to_string().len();
        if len >= RESULT_MIN {
            dropped += len;
            block["content"] = json!(format!(
                "[wxcode dropped {len} bytes of this result: the conversation's copy was full]"
            ));
        }
    }
    if dropped == 0 {
        return None;
    }
    let fields = entry.as_object_mut()?;
    // Claude Code's own form of the same result, for its screen.
    fields.remove("toolUseResult");
    fields.insert("wxcodeDroppedBytes".to_owned(), json!(dropped));
    let mut shorter = serde_json::to_vec(&entry).ok()?;
    shorter.push(b'\n');
    Some(shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(text: &str) -> String {
        let entry = json!({
            "type": "user", "uuid": "u",
            "message": { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t", "content": text },
            ] },
            "toolUseResult": { "stdout": text },
        });
        format!("{entry}\n")
    }

    #[test]
    fn old_results_are_dropped_first() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a/a.jsonl");
        fs::create_dir(root.path().join("a")).unwrap();
        let (old, new) = (result(&"o".repeat(5_000)), result(&"n".repeat(5_000)));
        let spoken = "{\"type\":\"assistant\",\"message\":{\"content\":\"tool_result\"}}\n";
        fs::write(&file, format!("{spoken}{old}{spoken}{new}")).unwrap();
        let before = fs::metadata(&file).unwrap().len();
        let shortened = shorten(root.path(), 1_000).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(shortened, [(file.clone(), before, text.len() as u64)]);
        assert!(!text.contains("ooo") && text.contains(&new), "{text}");
        assert_eq!(text.matches(spoken).count(), 2);
        let marked: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(marked["wxcodeDroppedBytes"], 5_002);
        assert_eq!(marked["message"]["content"][0]["tool_use_id"], "t");
        assert_eq!(marked["toolUseResult"], Value::Null);

        shorten(root.path(), u64::MAX).unwrap();
        assert_eq!(shorten(root.path(), u64::MAX).unwrap(), [], "none is left");
        let folder = fs::read_dir(root.path().join("a")).unwrap();
        assert_eq!(folder.count(), 2, "no draft is left");
    }
}
