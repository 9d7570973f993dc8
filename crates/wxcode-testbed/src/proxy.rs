//! A network in between: a TCP proxy that cuts, swallows, delays, and loses answers.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
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

/// Bytes that are carried at once.
const CHUNK: usize = 64 << 10; // 64 KiB
/// Questions of the driver about the server itself, which are no work.
const SMALL_TALK: [&[u8]; 4] = [b"hello\0", b"isMaster\0", b"ismaster\0", b"endSessions\0"];

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes, each piece after this time.
    Fair(Duration),
    /// Connections break, and new ones too.
    Cut,
    /// Connections stand, and nothing passes.
    Silent,
}

/// A proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    weather: watch::Sender<Weather>,
    losses: Arc<Losses>,
    accepting: JoinHandle<()>,
}

/// What goes wrong with requests that are counted.
#[derive(Debug)]
struct Losses {
    /// Requests that still pass before everything is cut; negative: any number.
    passing: AtomicI64,
    /// Answers that are still to be lost.
    answers: AtomicI64,
    /// Requests that came.
    counted: AtomicU64,
}

impl Proxy {
    /// A proxy before `port` of this machine.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn before(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let own = listener.local_addr()?.port();
        let (weather, forecast) = watch::channel(Weather::Fair(Duration::ZERO));
        let losses = Arc::new(Losses {
            passing: AtomicI64::new(-1),
            answers: AtomicI64::new(0),
            counted: AtomicU64::new(0),
        });
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (lost, cutter) = (Arc::clone(&losses), weather.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let line = Line {
                    losses: Arc::clone(&lost),
                    cutter: cutter.clone(),
                    weather: forecast.clone(),
                };
                tokio::spawn(line.carry(client, target));
            }
        });
        Ok(Self {
            port: own,
            weather,
            losses,
            accepting,
        })
    }

    /// Changes the weather, also for connections that stand.
    pub fn be(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Lets this many more requests pass, and cuts everything before the next one.
    pub fn cut_after(&self, requests: u32) {
        self.losses.passing.store(requests.into(), Ordering::SeqCst);
    }

    /// Lets the next requests pass, and breaks the connection in place of the answer, this many times.
    pub fn lose_answers(&self, answers: u32) {
        self.losses.answers.store(answers.into(), Ordering::SeqCst);
    }

    /// How many requests came, without the driver's questions about the server itself.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.losses.counted.load(Ordering::SeqCst)
    }

    /// Waits until it was cut.
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

/// One connection through the proxy.
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
        // An answer that is to be lost is known by the request before it.
        let (lose, losing) = watch::channel(false);
        let mut weather = self.weather.clone();
        tokio::select! {
            () = self.requests(from_client, to_server, &lose) => {}
            () = self.answers(from_server, to_client, &losing) => {}
            _ = weather.wait_for(|weather| *weather == Weather::Cut) => {}
        }
    }

    async fn requests(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        lose: &watch::Sender<bool>,
    ) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let request = &buffer[..read];
            if !SMALL_TALK.iter().any(|word| holds(request, word)) {
                self.losses.counted.fetch_add(1, Ordering::SeqCst);
                if take(&self.losses.answers) {
                    lose.send_replace(true);
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
            if !self.passes().await || to.write_all(request).await.is_err() {
                return;
            }
        }
    }

    async fn answers(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        losing: &watch::Receiver<bool>,
    ) {
        let mut buffer = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let lost = *losing.borrow();
            if lost || !self.passes().await || to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    }

    /// Waits as long as the weather wants; false if nothing passes any more.
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

/// Takes one of what is left; whether there was one.
fn take(left: &AtomicI64) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        (left > 0).then_some(left - 1)
    })
    .is_ok()
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
