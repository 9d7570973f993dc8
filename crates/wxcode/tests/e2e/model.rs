//! Many clients with stalls, disconnects, resumes and resizes, across server crashes, compared with
//! a reference: the known output of the agent.

use std::{fmt::Write as _, fs, sync::Arc};

use wxcode_protocol::Output;
use wxcode_protocol::websocket::{ClientFrame, ServerFrame};
use wxcode_terminal::{Screen as _, Size, Terminal};

use crate::support::{Agent, Server, Wire};

/// Total output of the agent in bytes: several times the ring buffer.
const STREAM: usize = 12 << 20;
/// Steps of a run.
const STEPS: usize = 160;
/// Clients at a time.
const CLIENTS: usize = 4;

/// The agent's first output.
const FIRST: u64 = 8;
/// Each eight bytes of input name a number of bytes; the agent copies that many from a file.
const AGENT: &str = "stty raw -echo; exec python3 -c '
import sys
out = open(\"stream\", \"rb\")
n = 8
while True:
    sys.stdout.buffer.write(out.read(n))
    sys.stdout.buffer.flush()
    n = int(sys.stdin.buffer.raw.read(8))
'";

/// Random numbers, reproducible from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

/// Output of a full-screen program: coloured text in many places, partly wide, on both screens.
fn stream(dice: &mut Dice) -> Vec<u8> {
    const WORDS: [&str; 8] = [
        "alpha ", "ação ", "日本", "🎉", "e\u{301}", "\t", "\r\n", "-- ",
    ];
    let mut text = String::new();
    while text.len() < STREAM {
        let _ = match dice.roll(14) {
            0 => write!(text, "\x1b[{};{}H", dice.roll(50) + 1, dice.roll(130) + 1),
            1 => write!(text, "\x1b[38;5;{}m", dice.roll(256)),
            2 => write!(text, "\x1b[0;1;48;2;{};9;9m", dice.roll(256)),
            3 => write!(text, "\x1b[K"),
            4 => write!(text, "\r\n"),
            5 if dice.roll(40) == 0 => write!(text, "\x1b[?1049{}", ["h", "l"][dice.roll(2)]),
            6 if dice.roll(30) == 0 => write!(text, "\x1b[{};{}r", dice.roll(9) + 1, 12),
            7 if dice.roll(30) == 0 => write!(text, "\x1b[r\x1b[2J"),
            8 if dice.roll(9) == 0 => write!(text, "\x1b[?2026h{}\x1b[?2026l", dice.roll(999)),
            _ => write!(
                text,
                "{}",
                WORDS[dice.roll(WORDS.len())].repeat(dice.roll(6))
            ),
        };
    }
    let mut end = STREAM;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.into_bytes()
}

/// The reference session: the agent's bytes and the offsets of size changes.
struct Reference {
    stream: Arc<Vec<u8>>,
    /// A client that reads everything without delay and records the offsets of size changes.
    sizes: Vec<(u64, Size)>,
}

impl Reference {
    /// The screen after this many bytes.
    fn screen(&self, end: u64) -> Terminal {
        let mut screen = Terminal::new(Size::new(120, 40).unwrap());
        let mut at = 0;
        for (offset, size) in self.sizes.iter().filter(|(offset, _)| *offset <= end) {
            let offset = *offset as usize;
            screen.feed(&self.stream[at..offset], &mut Vec::new());
            screen.resize(*size);
            at = offset;
        }
        screen.feed(&self.stream[at..end as usize], &mut Vec::new());
        screen
    }
}

/// A client that connects, disconnects and stalls.
enum Client {
    Here(Wire),
    /// Disconnected, with the screen kept.
    Away(Wire),
}

struct Run {
    server: Server,
    project: String,
    dice: Dice,
    stream: Arc<Vec<u8>>,
    written: u64,
    clients: Vec<Client>,
}

impl Run {
    async fn attach(&self, query: &str) -> Wire {
        let mut wire = Wire::attach(&self.server, &self.project, query).await;
        wire.reference = Some(Arc::clone(&self.stream));
        wire
    }

    async fn resume(&self, before: Wire) -> Wire {
        let mut wire = Wire::resume(&self.server, &self.project, before, "").await;
        wire.reference = Some(Arc::clone(&self.stream));
        wire
    }

    /// Makes the agent write more.
    async fn write(&mut self, writer: &mut Wire, most: usize) {
        let left = self.stream.len() - self.written as usize;
        let n = (self.dice.roll(most) + 1).min(left);
        self.written += n as u64;
        writer.input(&format!("{n:8}")).await;
    }

    async fn step(&mut self, writer: &mut Wire) {
        let which = self.dice.roll(self.clients.len());
        let client = self.clients.swap_remove(which);
        let client = match (client, self.dice.roll(20)) {
            (client, 0..4) => {
                self.write(writer, 3 << 19).await;
                client
            }
            (client, 4..7) => {
                self.write(writer, 9 << 10).await;
                client
            }
            (Client::Here(mut wire), 7..13) => {
                // The client reads a little and stalls again.
                let until = (wire.offset + self.dice.roll(1 << 20) as u64).min(self.written);
                wire.until("read on", |wire| wire.offset >= until).await;
                Client::Here(wire)
            }
            (Client::Here(mut wire), 13) => {
                wire.disconnect();
                Client::Away(wire)
            }
            (Client::Here(mut wire), 14) => {
                let (cols, rows) = (20 + self.dice.roll(150), 5 + self.dice.roll(60));
                wire.resize(cols as u16, rows as u16).await;
                wire.send(ClientFrame::Drive).await;
                Client::Here(wire)
            }
            (Client::Here(mut wire), 15) => {
                let history = [0, 4096, 1 << 20][self.dice.roll(3)];
                wire.send(ClientFrame::Redraw { history }).await;
                Client::Here(wire)
            }
            (Client::Here(_), 16) => Client::Here(self.attach("").await),
            (Client::Here(wire), _) => Client::Here(wire),
            (Client::Away(wire), 7..16) => Client::Here(self.resume(wire).await),
            (Client::Away(wire), _) => Client::Away(wire),
        };
        self.clients.push(client);
    }
}

async fn run(seed: u64) {
    let mut dice = Dice(seed);
    let stream = Arc::new(stream(&mut dice));
    let server = Server::start(Agent::script(AGENT)).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    fs::write(workspace.join("stream"), &*stream).unwrap();
    let mut run = Run {
        server,
        project,
        dice,
        stream: Arc::clone(&stream),
        written: FIRST,
        clients: Vec::new(),
    };
    let name = "client=000000000000000000000000000000aa";
    let mut writer = run.attach(name).await;
    let mut witness = run.attach("").await;
    witness
        .until("a screen", |wire| {
            wire.snapshots == 1 && wire.offset == FIRST
        })
        .await;
    for _ in 0..CLIENTS {
        let client = Client::Here(run.attach("").await);
        run.clients.push(client);
    }
    for step in 0..STEPS {
        if step % 70 == 69 {
            // All clients resume at their offsets.
            run.server.crash().await;
            run.server.up().await;
            writer = Wire::resume(&run.server, &run.project, writer, name).await;
            witness = run.resume(witness).await;
            for client in std::mem::take(&mut run.clients) {
                let (Client::Here(wire) | Client::Away(wire)) = client;
                run.clients.push(Client::Away(wire));
            }
        }
        run.step(&mut writer).await;
        // The witness reads without delay, so it sees each byte and each size change.
        let written = run.written;
        witness.until("all", |wire| wire.offset >= written).await;
    }
    assert!(run.written > 6 << 20, "{} bytes are a test", run.written);
    // Each client is served or gone before the last size change.
    let mut here = 2;
    for client in &mut run.clients {
        if let Client::Here(wire) = client {
            wire.heard().await;
            here += 1;
        }
    }
    run.server
        .session_until(&run.project, "the others left", |session| {
            session["clients"] == here
        })
        .await;
    writer.resize(101, 33).await;
    writer.send(ClientFrame::Drive).await;
    let sized = |wire: &Wire| wire.size() == Some((101, 33));
    witness.until("the last size", sized).await;
    assert_eq!(witness.snapshots, 1, "it kept up");
    let reference = Reference {
        stream,
        sizes: std::mem::take(&mut witness.sizes),
    };
    let expected = reference.screen(run.written);
    let expected_drawn = crate::support::drawn(&expected);
    assert!(witness.drawn() == expected_drawn, "the witness");
    let mut skipped = 0;
    for client in std::mem::take(&mut run.clients) {
        let mut wire = match client {
            Client::Here(wire) => wire,
            Client::Away(wire) => run.resume(wire).await,
        };
        let written = run.written;
        wire.until("all", |wire| wire.offset >= written && sized(wire))
            .await;
        skipped += u64::from(wire.received + FIRST < written);
        // Only the session's own terminal knows the history lines that return when the terminal
        // grows.
        wire.send(ClientFrame::Redraw { history: 0 }).await;
        let seen = wire.snapshots;
        wire.until("redrawn", |wire| wire.snapshots > seen).await;
        assert!(wire.drawn() == expected_drawn, "\n{}", wire.text());
    }
    assert!(skipped > 0, "nobody fell behind: this run tests too little");
    let typed =
        |frame: &&ServerFrame| matches!(frame, ServerFrame::Output(Output::InputRefused { .. }));
    assert_eq!(writer.frames.iter().filter(typed).count(), 0);
}

/// `WXCODE_SEED` selects another run.
#[tokio::test]
async fn stalling_and_resuming_clients_end_up_exact() {
    let seed = std::env::var("WXCODE_SEED").ok();
    let seed = seed
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_261_121);
    println!("WXCODE_SEED={seed}");
    Box::pin(run(seed)).await;
}
