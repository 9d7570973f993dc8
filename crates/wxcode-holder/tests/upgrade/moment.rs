//! Events at the moment of an upgrade: hooks, the end of the agent, signals; and the guardian
//! afterwards.

use super::*;

#[tokio::test]
async fn hooks_during_upgrades_are_kept() {
    let session = Session::shell("printf ready; read -r _").await;
    rests(&session, "ready").await;
    let hook_file = session.dir.join("hook.json");
    let reporters = tokio::task::spawn_blocking(move || {
        for n in 0..200 {
            let text = format!("{n}:{}", "p".repeat(n * 500));
            hook::report(&hook_file, text.as_bytes()).unwrap();
        }
    });
    let programs = [newer(session.tmp.path()), exe().to_owned()];
    let mut n = 0;
    while !reporters.is_finished() || n < 2 {
        upgrade(&session, [BUILDS.1, BUILDS.0][n % 2], &programs[n % 2]).await;
        n += 1;
    }
    reporters.await.unwrap();
    let kept = folder::hooks_since(&session.dir, 0).unwrap();
    assert_eq!(kept.len(), 200);
    for (n, record) in kept.iter().enumerate() {
        assert!(record.payload.starts_with(format!("{n}:").as_bytes()));
    }
}

#[tokio::test]
async fn an_agent_ending_meanwhile_leaves_its_exit() {
    // From before the request until after the upgrade.
    for wait in [0, 20, 60, 120, 200] {
        let session = Session::shell("printf ready; read -r _; printf last; exit 42").await;
        rests(&session, "ready").await;
        let conn = session.connect().await;
        let asked = session.connect().await;
        let request = Request::Upgrade {
            build: BUILDS.0.to_owned(),
            program: exe().to_owned(),
        };
        asked.sender.send(request).await.unwrap();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        press_enter(&conn).await;
        // Input lost with its connection is sent again, as clients do.
        let alive = || is_alive(session.file.agent_pid);
        let begun = Instant::now();
        while alive() && begun.elapsed() < LONG {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Ok(conn) = connect(&session.dir).await {
                press_enter(&conn).await;
            }
        }
        let exit = session.exit().await;
        assert_eq!((exit.code, exit.reason.as_str()), (Some(42), "exited"));
        let screen = folder::last_screen(&session.dir).unwrap();
        assert!(String::from_utf8_lossy(&screen).contains("last"));
    }
}

/// With or without the connection.
async fn press_enter(conn: &Connection) {
    let bytes = Bytes::from_static(b"\r");
    let _ = conn.sender.send(Request::Input { seq: 1, bytes }).await;
}

#[tokio::test]
async fn a_sigterm_meanwhile_ends_the_session() {
    for wait in [0, 30, 80, 150] {
        let session = Session::shell("printf ready; read -r _").await;
        rests(&session, "ready").await;
        let asked = session.connect().await;
        let request = Request::Upgrade {
            build: BUILDS.0.to_owned(),
            program: exe().to_owned(),
        };
        asked.sender.send(request).await.unwrap();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        kill(session.file.pid, Signal::TERM);
        assert_eq!(session.exit().await.reason, "terminated");
    }
}

#[tokio::test]
async fn the_guardian_survives_an_upgrade() {
    let session = Session::shell("setsid sleep 1000 & printf ready; read -r _").await;
    rests(&session, "ready").await;
    let program = newer(session.tmp.path());
    upgrade(&session, BUILDS.1, &program).await;
    kill(session.file.pid, Signal::KILL);
    wait_gone(session.file.agent_pid);
    wait_gone(session.file.guardian.as_ref().unwrap().pid);
    let State::Lost(file) = folder::inspect(&session.dir).unwrap() else {
        panic!("it was killed");
    };
    assert_eq!(file.build, BUILDS.1);
}
