//! A TCP proxy that cuts, swallows, delays, and loses answers.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU16, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Bytes per read.
const CHUNK: usize = 64 << 10; // 64 KiB
/// The driver's requests about the server itself; these requests do not count.
const SMALL_TALK: [&[u8]; 4] = [b"hello\0", b"isMaster\0", b"ismaster\0", b"endSessions\0"];

/// The state of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes, each piece after this delay.
    Fair(Duration),
    /// Connections break, also new connections.
    Cut,
    /// Connections stay open, and nothing passes.
    Silent,
}

/// A single fault of the next request that contains a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request passes, the answer does not, and the connection stays open.
    SwallowAnswer,
    /// The request passes twice, and the second answer passes.
    RepeatRequest,
    /// The request passes, then nothing does: the weather becomes [`Weather::Silent`].
    SilenceAfter,
}

/// The handling of answers on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lot {
    Pass,
    /// The connection breaks in place of the next answer.
    Break,
    /// No further answer passes.
    Swallow,
    /// The next answer is dropped.
    LeaveOut,
}

/// A proxy; the proxy ends on drop.
#[derive(Debug)]
pub struct Proxy {
    /// The proxy's address.
    pub port: u16,
    weather: watch::Sender<Weather>,
    losses: Arc<Losses>,
    target: Arc<AtomicU16>,
    accepting: JoinHandle<()>,
}

/// Faults of counted requests.
#[derive(Debug)]
struct Losses {
    /// Requests to pass before everything is cut; negative: unlimited.
    passing: AtomicI64,
    /// Answers still to be lost.
    answers: AtomicI64,
    /// Received requests.
    counted: AtomicU64,
    /// The word and the word's pending fault.
    fault: Mutex<Option<(Vec<u8>, Fault)>>,
}

impl Losses {
    /// Takes the pending fault of this request.
    fn fault_of(&self, request: &[u8]) -> Option<Fault> {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault
            .take_if(|(word, _)| holds(request, word))
            .map(|(_, fault)| fault)
    }
}

impl Proxy {
    /// A proxy before `port` of this machine.
    ///
    /// # Errors
    /// No port is free.
    pub async fn before(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let own = listener.local_addr()?.port();
        let (weather, forecast) = watch::channel(Weather::Fair(Duration::ZERO));
        let losses = Arc::new(Losses {
            passing: AtomicI64::new(-1),
            answers: AtomicI64::new(0),
            counted: AtomicU64::new(0),
            fault: Mutex::default(),
        });
        let target = Arc::new(AtomicU16::new(port));
        let (lost, cutter) = (Arc::clone(&losses), weather.clone());
        let aim = Arc::clone(&target);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let line = Line {
                    losses: Arc::clone(&lost),
                    cutter: cutter.clone(),
                    weather: forecast.clone(),
                };
                let port = aim.load(Ordering::SeqCst);
                let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                tokio::spawn(line.carry(client, target));
            }
        });
        Ok(Self {
            port: own,
            weather,
            losses,
            target,
            accepting,
        })
    }

    /// Passes new connections to another port of this machine.
    pub fn aim(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }

    /// Changes the weather, also for open connections.
    pub fn be(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Passes this many more requests, and cuts everything before the next request.
    pub fn cut_after(&self, requests: u32) {
        self.losses.passing.store(requests.into(), Ordering::SeqCst);
    }

    /// Passes the next requests and breaks the connection in place of the answer, this many times.
    pub fn lose_answers(&self, answers: u32) {
        self.losses.answers.store(answers.into(), Ordering::SeqCst);
    }

    /// Applies a fault once to the next request with `word`.
    pub fn strike(&self, word: &[u8], fault: Fault) {
        let mut next = self
            .losses
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *next = Some((word.to_vec(), fault));
    }

    /// Whether the fault of [`Self::strike`] is still pending.
    #[must_use]
    pub fn is_to_strike(&self) -> bool {
        let next = self
            .losses
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        next.is_some()
    }

    /// The number of requests, without the driver's requests about the server itself.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.losses.counted.load(Ordering::SeqCst)
    }

    /// Waits until the proxy has cut.
    pub async fn cut(&self) {
        let mut weather = self.weather.subscribe();
        let _ = weather.wait_for(|weather| *weather == Weather::Cut).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.weather.send_replace(Weather::Cut);
    }
}

/// A connection through the proxy.
struct Line {
    losses: Arc<Losses>,
    cutter: watch::Sender<Weather>,
    weather: watch::Receiver<Weather>,
}

impl Line {
    async fn carry(self, client: TcpStream, target: SocketAddr) {
        if *self.weather.borrow() == Weather::Cut {
            return;
        }
        let Ok(server) = TcpStream::connect(target).await else {
            return;
        };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // The request before an answer decides on the answer's loss.
        let (lose, losing) = watch::channel(Lot::Pass);
        let mut weather = self.weather.clone();
        tokio::select! {
            () = self.requests(from_client, to_server, &lose) => {}
            () = self.answers(from_server, to_client, &lose, &losing) => {}
            _ = weather.wait_for(|weather| *weather == Weather::Cut) => {}
        }
    }

    async fn requests(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        lose: &watch::Sender<Lot>,
    ) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let request = &buffer[..read];
            if !SMALL_TALK.iter().any(|word| holds(request, word)) {
                self.losses.counted.fetch_add(1, Ordering::SeqCst);
                if take(&self.losses.answers) {
                    lose.send_replace(Lot::Break);
                }
                let passing = self.losses.passing.load(Ordering::SeqCst);
                if passing == 0 {
                    self.cutter.send_replace(Weather::Cut);
                    return;
                }
                if passing > 0 {
                    self.losses.passing.fetch_sub(1, Ordering::SeqCst);
                }
            }
            let fault = self.losses.fault_of(request);
            if !self.passes().await {
                return;
            }
            match fault {
                Some(Fault::SwallowAnswer) => drop(lose.send_replace(Lot::Swallow)),
                Some(Fault::RepeatRequest) => {
                    lose.send_replace(Lot::LeaveOut);
                    if to.write_all(request).await.is_err() {
                        return;
                    }
                }
                // Set before the request passes: the answer must not be faster.
                Some(Fault::SilenceAfter) => drop(self.cutter.send_replace(Weather::Silent)),
                None => {}
            }
            if to.write_all(request).await.is_err() {
                return;
            }
        }
    }

    async fn answers(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        lose: &watch::Sender<Lot>,
        losing: &watch::Receiver<Lot>,
    ) {
        let mut buffer = vec![0; CHUNK];
        let mut held = Vec::new();
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let lot = *losing.borrow();
            held.extend_from_slice(&buffer[..read]);
            match lot {
                Lot::Pass => {}
                Lot::Break => return,
                Lot::Swallow => held.clear(),
                Lot::LeaveOut => match whole(&held) {
                    Some(length) => {
                        held.drain(..length);
                        lose.send_replace(Lot::Pass);
                    }
                    None => continue,
                },
            }
            if !self.passes().await || to.write_all(&held).await.is_err() {
                return;
            }
            held.clear();
        }
    }

    /// Delays according to the weather; false if nothing passes any more.
    async fn passes(&self) -> bool {
        let mut weather = self.weather.clone();
        let fair = weather
            .wait_for(|weather| *weather != Weather::Silent)
            .await
            .map(|weather| *weather);
        match fair {
            Ok(Weather::Fair(delay)) => {
                tokio::time::sleep(delay).await;
                true
            }
            _ => false,
        }
    }
}

/// Decrements a counter; false for a counter at zero.
fn take(left: &AtomicI64) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        (left > 0).then_some(left - 1)
    })
    .is_ok()
}

/// The length of the first message, from its first four bytes, once the message is complete.
fn whole(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?);
    usize::try_from(length)
        .ok()
        .filter(|length| bytes.len() >= *length)
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
