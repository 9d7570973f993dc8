//! Refused upgrades, and an upgrade with a loss of the state.

use super::*;
use wxcode_protocol::Output;

#[tokio::test]
async fn an_unfit_program_changes_nothing() {
    let session =
        Session::shell("printf ready; while read -r line; do echo \"<$line>\"; done; exit 5").await;
    rests(&session, "ready").await;
    let folder = session.tmp.path();
    let plain = folder.join("plain");
    fs::write(&plain, "no program").unwrap();
    let damaged = executable(folder, "damaged", b"\x7fELF and nothing more");
    // The library of GNU gives such a program to the shell.
    let unstartable = match cfg!(target_env = "musl") {
        true => "Exec format error",
        false => "without an answer",
    };
    let cases = [
        (folder.join("missing"), "No such file"),
        (folder.to_owned(), "not a regular file"),
        (plain, "Permission denied"),
        (damaged, unstartable),
        (script(folder, "exit 0"), "without an answer"),
        (
            script_named(folder, "crashes", "kill -SEGV $$"),
            "without an answer",
        ),
        (
            script_named(folder, "babbles", "echo hello"),
            "another program",
        ),
        (
            script_named(folder, "floods", "yes | tr -d '\\n'"),
            "another program",
        ),
        (
            script_named(
                folder,
                "refuses",
                r#"echo '{"unsound":{"reason":"of format 1"}}'"#,
            ),
            "of format 1",
        ),
        (
            script_named(
                folder,
                "lies",
                r#"echo '{"sound":{"build":"BUILD","checksum":1}}'"#,
            ),
            "another state",
        ),
        (newer(folder), "expected"),
        (
            script_named(folder, "hangs", "exec sleep 1000"),
            "did not answer",
        ),
    ];
    let mut seen = 0;
    for (program, expected) in cases {
        let mut conn = session.connect().await;
        let (busy, reason) = ask(&mut conn, BUILDS.0, &program).await.unwrap_err();
        assert!(!busy && reason.contains(expected), "{expected}: {reason}");
        assert!(session.log().contains(&reason), "{}", session.log());
        // The same connection and the agent continue.
        seen += 1;
        let attach = Request::Attach {
            since: Some(conn.welcome.info.end),
            history: 0,
        };
        conn.sender.send(attach).await.unwrap();
        type_in(&conn, seen, &format!("line {seen}\r")).await;
        output_until(&mut conn, &format!("<line {seen}>")).await;
        assert_eq!(info(&session).await.upgrades, 0);
    }
    // None of the refused programs runs any longer.
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", session.file.pid));
    assert_eq!(children.unwrap().split_whitespace().count(), 1);
    // A later upgrade succeeds.
    upgrade(&session, BUILDS.0, exe()).await;
    let conn = session.connect().await;
    type_in(&conn, 1, "\x04").await;
    assert_eq!(session.exit().await.code, Some(5));
}

fn script_named(folder: &Path, name: &str, text: &str) -> PathBuf {
    let text = format!("#!/bin/bash\n{}\n", text.replace("BUILD", BUILDS.0));
    executable(folder, name, text.as_bytes())
}

#[tokio::test]
async fn a_vanished_program_changes_nothing() {
    let session = Session::shell("printf ready; read -r line; echo \"<$line>\"; exit 5").await;
    rests(&session, "ready").await;
    let folder = session.tmp.path();
    let holder = exe().display();
    // The program runs twice for its checks. A third execution is impossible, because the
    // interpreter is gone by then.
    let interpreter = folder.join("interpreter");
    std::os::unix::fs::symlink("/bin/bash", &interpreter).unwrap();
    let text = format!(
        "#!{}\necho x >> {}\n[ $(wc -l < {1}) = 2 ] && rm {0}\nexec {holder} \"$@\"\n",
        interpreter.display(),
        folder.join("count").display(),
    );
    let program = executable(folder, "candidate", text.as_bytes());
    let mut conn = session.attach(None).await;
    // If the first moment was unsuitable, the check fails before the call of `execve`.
    let _ = ask(&mut conn, BUILDS.0, &program).await;
    let begun = Instant::now();
    while !session.log().contains("does not run") {
        assert!(begun.elapsed() < LONG, "{}", session.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(info(&session).await.upgrades, 0);
    type_in(&conn, 1, "on\r").await;
    output_until(&mut conn, "<on>").await;
    assert_eq!(session.exit().await.code, Some(5));
}

#[tokio::test]
async fn a_lost_state_is_rebuilt_from_the_folder() {
    let session = Session::shell(
        "printf 'before \\e[1mbold'; trap 'printf drawn' WINCH; while [ ! -e go ]; do sleep 0.02; done; read -r line; echo \"<$line>\"; exit 6",
    )
    .await;
    rests(&session, "before").await;
    let hook_file = session.dir.join("hook.json");
    tokio::task::spawn_blocking(move || hook::report(&hook_file, b"one"))
        .await
        .unwrap()
        .unwrap();
    let end = info(&session).await.end;
    // The program passes its checks, and is then executed with a descriptor without a state.
    let text = format!(
        "case $2 in --resume) line=$(sed -E 's/\"state\":[0-9]+/\"state\":99/' <<< \"$3\"); exec {0} hold --resume \"$line\" \"$4\";; esac\nexec {0} \"$@\"",
        exe().display()
    );
    let program = script(session.tmp.path(), &text);
    let now = upgrade(&session, BUILDS.0, &program).await;
    assert!(
        session.log().contains("does not understand"),
        "{}",
        session.log()
    );
    assert_eq!(now.next_hook_seq, 2);
    assert!(now.end >= end && now.start == 0);
    rests(&session, "drawn").await;
    fs::write(session.tmp.path().join("go"), "").unwrap();
    let mut conn = session.attach(Some(0)).await;
    type_in(&conn, 1, "on\r").await;
    let text = output_until(&mut conn, "<on>").await;
    assert!(text.starts_with("before \x1b[1mbold"), "{text:?}");
    let exit = session.exit().await;
    assert_eq!(exit.code, Some(6));
}

#[tokio::test]
async fn an_upgrade_waits_for_the_input_lock() {
    let session = Session::shell("printf ready; read -r _").await;
    rests(&session, "ready").await;
    let mut typist = session.connect().await;
    let lock = Request::Lock {
        lock: 1,
        for_ms: 10_000,
    };
    typist.sender.send(lock).await.unwrap();
    until(&mut typist, |event| {
        matches!(event, Event::Locked { .. }).then_some(())
    })
    .await;
    let mut conn = session.connect().await;
    let (busy, reason) = ask(&mut conn, BUILDS.0, exe()).await.unwrap_err();
    assert!(busy && reason.contains("input lock"), "{reason}");
    // The owner keeps the lock.
    let request = Request::LockedInput {
        lock: 1,
        seq: 1,
        bytes: Bytes::from_static(b"x"),
    };
    typist.sender.send(request).await.unwrap();
    until(&mut typist, |event| match event {
        Event::Output(Output::InputTaken { seq: 1 }) => Some(()),
        Event::Output(Output::InputRefused { reason, .. }) => panic!("{reason}"),
        _ => None,
    })
    .await;
    typist
        .sender
        .send(Request::Unlock { lock: 1 })
        .await
        .unwrap();
    upgrade(&session, BUILDS.0, exe()).await;
}
