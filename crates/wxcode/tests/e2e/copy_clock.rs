//! The server's clock jumps while it copies a conversation.

use std::{
    fs::{self},
    path::PathBuf,
};

use wxcode_testbed::skip;

use crate::{
    mirror::{Copied, append, entry, say},
    support::Agent,
};

/// The library that gives a program another clock, where it is installed.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    libraries.find(|library| library.exists())
}

#[tokio::test]
async fn a_clock_that_jumps_loses_no_word() {
    let Some(library) = faketime() else {
        skip("libfaketime is not installed: run scripts/faketime");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    let jump = |offset: &str| fs::write(&clock, format!("{offset}\n")).unwrap();
    jump("+0s");
    let mut agent = Agent::fake("");
    let variables = [
        ("LD_PRELOAD", library.as_os_str()),
        ("FAKETIME_TIMESTAMP_FILE", clock.as_os_str()),
        ("FAKETIME_NO_CACHE", "1".as_ref()),
        // Only the time of day jumps, as on a real machine.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".as_ref()),
        ("DONT_FAKE_MONOTONIC", "1".as_ref()),
        ("NO_FAKE_STAT", "1".as_ref()),
    ];
    for (name, value) in variables {
        agent.env.push((name.into(), value.into()));
    }
    let copied = Copied::with(agent).await;
    copied.whole().await;
    let year = 365 * 24 * 60 * 60;
    for (number, seconds) in [-10 * year, 10 * year, 2 * 24 * 60 * 60, -60, 0]
        .into_iter()
        .enumerate()
    {
        jump(&format!("{seconds:+}s"));
        append(&copied.transcript, &entry(number, "at another time"));
        copied.whole().await;
        say(&copied.server, &copied.project, &format!("words {number}")).await;
        copied.whole().await;
    }
    jump(&format!("{:+}s", 10 * year));
    let whole = copied.ended().await;
    fs::remove_file(&copied.transcript).unwrap();
    jump(&format!("{:+}s", -10 * year));
    copied.goes_on(&whole).await;
    let path = format!("/output-projects/{}/conversation", copied.project);
    let page = copied.server.get(&path).await.expect(200).to_string();
    assert!(
        page.contains("words 0") && page.contains("words 4"),
        "{page}"
    );
}
