//! Input on its way during an upgrade.

use super::*;

#[tokio::test]
async fn an_upgrade_types_waiting_input_once() {
    // The agent reads only on request.
    let session = Session::shell(
        "stty raw -echo; printf ready; while [ ! -e read ]; do sleep 0.02; done; head -c 300000 | tr -d x | cat -v; printf over; sleep 1000",
    )
    .await;
    rests(&session, "ready").await;
    let name = [7; 16];
    let conn = session.connect().await;
    conn.sender.send(Request::Identify { name }).await.unwrap();
    let deliver = |key: &str, text: Vec<u8>| Request::Deliver {
        key: key.to_owned(),
        bytes: text.into(),
    };
    // More than a terminal holds, so the message is half typed.
    conn.sender
        .send(deliver(
            "large",
            [b"<".to_vec(), vec![b'x'; 200_000], b">".to_vec()].concat(),
        ))
        .await
        .unwrap();
    type_in(&conn, 5, "[five]").await;
    let mut other = session.connect().await;
    while info(&session).await.input_waiting < 100_000 {
        tokio::task::yield_now().await;
    }
    conn.sender
        .send(deliver("small", b"{small}".to_vec()))
        .await
        .unwrap();
    until_waiting(&session, &mut other).await;
    let program = newer(session.tmp.path());
    let now = upgrade(&session, BUILDS.1, &program).await;
    assert!(now.input_waiting > 100_000, "it is half typed");

    let mut conn = session.attach(Some(now.end)).await;
    conn.sender.send(Request::Identify { name }).await.unwrap();
    let newest = until(&mut conn, |event| match event {
        Event::Identified { newest } => Some(newest),
        _ => None,
    })
    .await;
    assert_eq!(newest, 5);
    type_in(&conn, 5, "[five]").await;
    for key in ["large", "small"] {
        conn.sender
            .send(deliver(key, b"AGAIN".to_vec()))
            .await
            .unwrap();
        let fresh = until(&mut conn, |event| match event {
            Event::Delivered { key: of, fresh } if of == key => Some(fresh),
            _ => None,
        })
        .await;
        assert!(!fresh, "{key} was typed, or is to be");
    }
    type_in(&conn, 6, &"x".repeat(300_000)).await;
    fs::write(session.tmp.path().join("read"), "").unwrap();
    let text = output_until(&mut conn, "over").await;
    assert!(text.contains("<>[five]{small}over"), "{text:?}");
}

async fn until_waiting(session: &Session, conn: &mut Connection) {
    // An answer after the other requests shows: the holder took the requests.
    conn.sender.send(Request::Screen { id: 9 }).await.unwrap();
    until(conn, |event| {
        matches!(event, Event::Screen { id: 9, .. }).then_some(())
    })
    .await;
    let _ = info(session).await;
}
