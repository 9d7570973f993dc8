//! The cost of the hop to a project's node, measured beside the direct way.

use super::{nodes::two, *};
use crate::support::Socket;

const ROUNDS: usize = 20;
const KEYS: usize = 12;
const UPLOADS: usize = 8;
const UPLOAD: usize = 12 << 20;

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The times from keys to their echoes; the keys make one prompt.
async fn echoes(socket: &mut Socket, round: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for key in 0..KEYS {
        let text = format!(
            "{round:02}{}",
            char::from(b'a' + u8::try_from(key).unwrap())
        );
        let began = Instant::now();
        socket.input(&text).await;
        socket.until(&text).await;
        times.push(began.elapsed());
    }
    socket.input("\r").await;
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn the_cost_of_one_hop() {
    let Some(mongo) = shared().await else { return };
    let (first, second) = two(mongo, "").await;
    let project = first.project("p").await;
    first.start_session(&project).await;
    let terminal = format!("/output-projects/{project}/terminal");
    let (mut direct, mut hop) = (Vec::new(), Vec::new());
    let mut sockets = [
        first.socket(&terminal).await,
        second.socket(&terminal).await,
    ];
    for round in 0..2 * ROUNDS {
        first.idle(&project).await;
        let times = echoes(&mut sockets[round % 2], round).await;
        match round % 2 {
            0 => direct.extend(times),
            _ => hop.extend(times),
        }
    }
    let (one, other) = (median(&mut direct), median(&mut hop));
    println!(
        "echo: direct {one:?}, one hop {other:?}: {:.2} times",
        other.as_secs_f64() / one.as_secs_f64()
    );
    let bytes = vec![7_u8; UPLOAD];
    let (mut direct, mut hop) = (Vec::new(), Vec::new());
    for number in 0..2 * UPLOADS {
        let server = [&first, &second][number % 2];
        let path = format!("/api/v1/output-projects/{project}/uploads?name={number}.bin");
        let request = server
            .request(Method::POST, &path)
            .bearer_auth(&server.token);
        let began = Instant::now();
        server.answer(request.body(bytes.clone())).await.expect(201);
        match number % 2 {
            0 => direct.push(began.elapsed()),
            _ => hop.push(began.elapsed()),
        }
    }
    let (one, other) = (median(&mut direct), median(&mut hop));
    println!(
        "an upload of 12 MiB: direct {one:?}, one hop {other:?}: {:.2} of the throughput",
        one.as_secs_f64() / other.as_secs_f64()
    );
}
