//! The copy of the conversation on the disk: how much of it is kept, and what damage costs.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    metrics::{scrape, until},
    mirror::{Copied, append, is, result, say},
    support::{Events, Server, eventually},
};

/// Flips a bit in the first of these words in a file.
pub(crate) fn flip(path: &Path, words: &str) {
    let mut bytes = fs::read(path).unwrap();
    let mut all = bytes.windows(words.len());
    let at = all.position(|part| part == words.as_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// The value of a metric.
async fn metric(server: &Server, name: &str) -> f64 {
    scrape(server).await.get(name).copied().unwrap_or_default()
}

/// The last 64 KiB of a file.
fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(64 << 10)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

#[tokio::test]
async fn the_session_shows_what_is_kept() {
    let copied = Copied::new().await;
    let whole = copied.ended().await;
    let kept = copied.server.session(&copied.project).await["kept"].clone();
    assert!(
        kept["bytes"].as_u64().unwrap() >= whole.len() as u64,
        "{kept}"
    );
    assert_eq!(kept["bytes_max"], 256 << 20);
    assert_eq!(
        (&kept["dropped_bytes"], &kept["damaged_entries"]),
        (&json!(0), &json!(0))
    );
    let off = json!({ "settings": { "mirror": false } });
    let path = format!("/output-projects/{}", copied.project);
    copied.server.patch(&path, off).await.expect(200);
    let session = copied.server.session(&copied.project).await;
    assert_eq!(session["kept"], Value::Null);
}

#[tokio::test]
async fn a_full_copy_drops_old_results() {
    let copied = Copied::new().await;
    copied.whole().await;
    let text = "r".repeat(1 << 20);
    for number in 0..270 {
        append(&copied.transcript, &result(number, &text));
    }
    let session = copied
        .server
        .session_until(&copied.project, "results are dropped", |session| {
            session["kept"]["dropped_bytes"].as_u64() > Some(50 << 20)
        })
        .await;
    assert!(session["kept"]["bytes"].as_u64().unwrap() <= 256 << 20);
    say(&copied.server, &copied.project, "words after them").await;
    // The copy is large: only its end is read.
    let copy = copied.copy();
    eventually("the copy goes on", || {
        end_of(&copy).is_ok_and(|end| end.contains("words after them"))
    })
    .await;
    let dropped = metric(
        &copied.server,
        "wxcode_conversation_copy_dropped_bytes_total",
    )
    .await;
    assert!(dropped > f64::from(50 << 20), "{dropped}");
}

#[tokio::test]
async fn a_flipped_byte_is_copied_again() {
    let mut copied = Copied::new().await;
    say(&copied.server, &copied.project, "second words").await;
    let whole = copied.whole().await;
    copied.server.crash().await;
    flip(&copied.copy(), "first words");
    copied.server.up().await;
    eventually("the copy has the words again", || {
        fs::read(copied.copy()).is_ok_and(|copy| copy.starts_with(&whole))
    })
    .await;
    let session = copied.server.session(&copied.project).await;
    assert_eq!(session["kept"]["damaged_entries"], 0);
    assert_eq!(session["warning"], Value::Null);
    // The entry counts once it is safe on the disk, which a reader of the copy does not wait for.
    let name = "wxcode_conversation_copy_damaged_entries_total{kind=\"mended\"}";
    until(&copied.server, name, |count| count == 1.0).await;
}

#[tokio::test]
async fn a_damaged_copy_is_not_restored_as_whole() {
    let copied = Copied::new().await;
    say(&copied.server, &copied.project, "second words").await;
    let whole = copied.ended().await;
    flip(&copied.copy(), "first words");
    fs::remove_file(&copied.transcript).unwrap();
    let path = format!("/output-projects/{}/conversation", copied.project);
    let page = copied.server.get(&path).await.expect(200).to_string();
    assert!(
        page.contains("second words") && !page.contains("rst words"),
        "{page}"
    );
    let mut events = Events::follow(&copied.server, &copied.project).await;
    copied.server.start_session(&copied.project).await;
    let restored = events.named("session.restored").await.data;
    assert_eq!(restored["bytes"], whole.len());
    let text = fs::read_to_string(restored["transcript_path"].as_str().unwrap()).unwrap();
    assert!(text.contains("wxcode-damaged") && !text.contains("rst words"));
    assert!(text.contains("second words"));
    let session = copied.server.session(&copied.project).await;
    assert_eq!(session["kept"]["damaged_entries"], 1);
    let warning = session["warning"].as_str().unwrap();
    assert!(
        warning.contains("1 entries of the conversation's copy"),
        "{warning}"
    );
    let name = "wxcode_conversation_copy_damaged_entries_total{kind=\"lost\"}";
    assert_eq!(metric(&copied.server, name).await, 1.0);
}

#[tokio::test]
async fn damaged_checksums_cost_no_entry() {
    let copied = Copied::new().await;
    let whole = copied.ended().await;
    let mut sums = copied.copy().into_os_string();
    sums.push(".sums");
    let bytes = fs::read(&sums).unwrap();
    assert!(bytes.len() >= 24, "two entries at least");
    fs::write(&sums, vec![b'x'; bytes.len()]).unwrap();
    fs::remove_file(&copied.transcript).unwrap();
    let mut events = Events::follow(&copied.server, &copied.project).await;
    copied.server.start_session(&copied.project).await;
    let restored = events.named("session.restored").await.data;
    assert_eq!(restored["bytes"], whole.len());
    is(&copied.copy(), &fs::read(&copied.transcript).unwrap()).await;
    let session = copied.server.session(&copied.project).await;
    assert_eq!(session["kept"]["damaged_entries"], 0);
}
