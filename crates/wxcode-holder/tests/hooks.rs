//! Hook payloads are kept, numbered, and sent to clients.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::path::Path;

use support::*;
use wxcode_holder::{
    ancestry::Ancestry,
    client::{Connection, Event, Request},
    folder, hook,
};

async fn hooks(conn: &mut Connection, since: u64, n: usize) -> Vec<(u64, Vec<u8>)> {
    conn.sender.send(Request::Events { since }).await.unwrap();
    let mut seen = Vec::new();
    until(conn, |event| {
        if let Event::Hook { seq, payload, .. } = event {
            seen.push((seq, payload.to_vec()));
        }
        (seen.len() == n).then_some(())
    })
    .await;
    seen
}

async fn report(file: &Path, payload: &[u8]) -> Result<(), hook::HookError> {
    let (file, payload) = (file.to_owned(), payload.to_vec());
    tokio::task::spawn_blocking(move || hook::report(&file, &payload))
        .await
        .unwrap()
}

#[tokio::test]
async fn kept_payloads_replay_from_any_number() {
    let session = Session::shell("read -r").await;
    let file = session.dir.join("hook.json");
    for n in 1..=4u8 {
        report(&file, &[n; 10]).await.unwrap();
    }
    let big = vec![b'x'; 3 << 20];
    report(&file, &big).await.unwrap();
    let mut conn = session.connect().await;
    assert_eq!(conn.welcome.info.next_hook_seq, 6);
    let seen = hooks(&mut conn, 3, 3).await;
    assert_eq!(seen[0], (3, vec![3; 10]));
    assert_eq!(seen[2], (5, big));
    report(&file, b"live").await.unwrap();
    let live = until(&mut conn, |event| match event {
        Event::Hook { seq, payload, .. } => Some((seq, payload)),
        _ => None,
    })
    .await;
    assert_eq!((live.0, &live.1[..]), (6, &b"live"[..]));
    // The payloads remain after the end.
    conn.sender
        .send(Request::Stop { grace_ms: 2000 })
        .await
        .unwrap();
    session.exit().await;
    let kept = folder::hooks_since(&session.dir, 4).unwrap();
    assert_eq!(kept.iter().map(|r| r.seq).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(kept[0].pid, std::process::id() as i32);
    assert!(report(&file, b"late").await.is_err());
}

#[tokio::test]
async fn the_agent_itself_reports_through_the_command() {
    let script = format!(
        "printf '{{\"a\":1}}' | {} hook $PWD/session/hook.json; read -r",
        exe().display()
    );
    let session = Session::shell(&script).await;
    let mut conn = session.connect().await;
    assert_eq!(hooks(&mut conn, 1, 1).await, [(1, b"{\"a\":1}".to_vec())]);
}

#[tokio::test]
async fn a_report_carries_its_generation() {
    // Each script ends in `:`, so that no shell replaces itself by the command.
    let hook = format!("{} hook $PWD/session/hook.json", exe().display());
    let script = format!(
        "printf own | {hook}; sh -c 'printf child | {hook}; :'; sh -c 'sh -c \"printf grandchild | {hook}; :\"; :'; \
         printf orphan > orphan; ((until [ \"$p\" = $PPID ]; do read -r _ _ _ p _ < /proc/$BASHPID/stat; done; {hook} < orphan) &); \
         read -r"
    );
    let session = Session::shell(&script).await;
    let mut conn = session.connect().await;
    conn.sender
        .send(Request::Events { since: 1 })
        .await
        .unwrap();
    let mut seen = Vec::new();
    until(&mut conn, |event| {
        if let Event::Hook {
            payload, ancestry, ..
        } = event
        {
            seen.push((String::from_utf8(payload.to_vec()).unwrap(), ancestry));
        }
        (seen.len() == 4).then_some(())
    })
    .await;
    seen.sort_by_key(|(payload, _)| payload.clone());
    assert_eq!(
        seen,
        [
            ("child".to_owned(), Ancestry::Below(2)),
            ("grandchild".to_owned(), Ancestry::Below(3)),
            ("orphan".to_owned(), Ancestry::Foreign),
            ("own".to_owned(), Ancestry::Below(1)),
        ]
    );
    report(&session.dir.join("hook.json"), b"from outside")
        .await
        .unwrap();
    let kept = folder::hooks_since(&session.dir, 5).unwrap();
    assert_eq!(kept[0].ancestry, Ancestry::Foreign);
}

#[tokio::test]
async fn a_report_without_the_secret_is_refused() {
    let session = Session::shell("read -r").await;
    let file = session.dir.join("hook.json");
    let forged = session.tmp.path().join("forged.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&forged, text.replace("a secret of", "a guess for")).unwrap();
    let refused = report(&forged, b"forged").await.unwrap_err();
    assert!(matches!(refused, hook::HookError::Refused(_)), "{refused}");
    report(&file, b"true").await.unwrap();
    let mut conn = session.connect().await;
    assert_eq!(hooks(&mut conn, 0, 1).await, [(1, b"true".to_vec())]);
}
