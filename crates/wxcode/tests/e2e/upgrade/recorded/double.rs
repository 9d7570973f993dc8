//! What a holder once said, and somebody who says it again at a real socket.

use std::{
    fs,
    os::fd::AsRawFd,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{UnixListener, UnixStream},
    sync::broadcast,
};
use wxcode_terminal::Size;

use crate::support::kill;

/// The codes of the frames that are told apart here.
pub(super) mod code {
    pub(crate) const HELLO: u8 = 1;
    pub(crate) const ATTACH: u8 = 2;
    pub(crate) const EVENTS: u8 = 3;
    pub(crate) const INPUT: u8 = 4;
    pub(crate) const DELIVER: u8 = 5;
    pub(crate) const SCREEN: u8 = 8;
    pub(crate) const STOP: u8 = 9;
    pub(crate) const INFO: u8 = 10;
    pub(crate) const IDENTIFY: u8 = 13;
    pub(crate) const WELCOME: u8 = 64;
    pub(crate) const SNAPSHOT: u8 = 65;
    pub(crate) const OUTPUT: u8 = 66;
    pub(crate) const HOOK: u8 = 68;
    pub(crate) const QUIET: u8 = 69;
    pub(crate) const INPUT_TAKEN: u8 = 70;
    pub(crate) const DELIVERED: u8 = 72;
    pub(crate) const SCREEN_IS: u8 = 74;
    pub(crate) const EXITED: u8 = 76;
    pub(crate) const ERROR: u8 = 77;
}

/// A frame: its code and its payload.
pub(super) type Frame = (u8, Bytes);

/// A request of the recording, and what the holder said to it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) asked: Frame,
    pub(super) said: Vec<Frame>,
}

/// What was said to a holder, and what it said.
#[derive(Debug)]
pub(super) struct Recording {
    exchanges: Vec<Exchange>,
}

impl Recording {
    /// Reads lines of `>`, code and payload for what was asked, and of `<` for what was said.
    pub(super) fn parse(text: &str) -> Self {
        let mut exchanges: Vec<Exchange> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.splitn(3, ' ');
            let direction = words.next().unwrap();
            let code = words.next().unwrap().parse().unwrap();
            let frame = (code, from_hex(words.next().unwrap_or_default()));
            match direction {
                ">" => exchanges.push(Exchange {
                    asked: frame,
                    said: Vec::new(),
                }),
                _ => exchanges.last_mut().unwrap().said.push(frame),
            }
        }
        Self { exchanges }
    }

    pub(super) fn write(exchanges: &[Exchange], about: &str) -> String {
        let mut text = format!(
            "# {about}\n# > what was asked, < what the holder said: the code of the frame, its payload\n"
        );
        for Exchange { asked, said } in exchanges {
            for (direction, (code, payload)) in [('>', asked)]
                .into_iter()
                .chain(said.iter().map(|frame| ('<', frame)))
            {
                let hex: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
                text.push_str(format!("{direction} {code} {hex}").trim_end());
                text.push('\n');
            }
        }
        text
    }

    /// The first screen: offset, size and bytes.
    pub(super) fn snapshot(&self) -> (u64, Size, Bytes) {
        let mut said = self.exchanges.iter().flat_map(|exchange| &exchange.said);
        let (_, payload) = said.find(|(code, _)| *code == code::SNAPSHOT).unwrap();
        let mut payload = payload.clone();
        let offset = payload.get_u64();
        let size = Size::new(payload.get_u16(), payload.get_u16()).unwrap();
        (offset, size, payload)
    }

    /// The offset behind the last byte of output before the end is asked for.
    pub(super) fn end(&self) -> u64 {
        let before = |exchange: &&Exchange| exchange.asked.0 != code::STOP;
        let said = self.exchanges.iter().take_while(before);
        let said = said.flat_map(|exchange| &exchange.said);
        let outputs = said.filter(|(code, _)| *code == code::OUTPUT);
        let end = outputs.map(|(_, payload)| (&payload[..8]).get_u64() + payload.len() as u64 - 8);
        end.max().unwrap()
    }

    /// Where something is typed, or the end is asked for: the points at which the session goes on.
    fn steps(&self) -> Vec<usize> {
        let steps = [code::INPUT, code::DELIVER, code::STOP];
        let is_step = |at: &usize| steps.contains(&self.exchanges[*at].asked.0);
        (0..self.exchanges.len()).filter(is_step).collect()
    }
}

fn from_hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// How far the recording is played, and what was asked of it.
#[derive(Debug, Default)]
struct Played {
    /// How many of its steps were done.
    steps: usize,
    asked: Vec<u8>,
    typed: Vec<String>,
}

/// Somebody who plays a recorded holder, with two processes that stand in for it and its agent.
pub(super) struct Double {
    recording: Arc<Recording>,
    played: Arc<Mutex<Played>>,
    processes: [Child; 2],
}

impl Double {
    pub(super) fn new(recording: Recording) -> Self {
        let process = || {
            let mut command = Command::new("sleep");
            command.arg("1000").stdin(Stdio::null());
            command.spawn().unwrap()
        };
        Self {
            recording: Arc::new(recording),
            played: Arc::default(),
            processes: [process(), process()],
        }
    }

    pub(super) fn recording(&self) -> &Recording {
        &self.recording
    }

    pub(super) fn agent_pid(&self) -> u32 {
        self.processes[1].id()
    }

    /// The codes of all requests so far.
    pub(super) fn asked(&self) -> Vec<u8> {
        locked(&self.played).asked.clone()
    }

    /// What was typed so far, without the marks of a paste.
    pub(super) fn typed(&self) -> Vec<String> {
        locked(&self.played).typed.clone()
    }

    /// Puts the two processes into a `holder.json`.
    pub(super) fn stand_in(&self, holder: &mut Value) {
        let started = |pid: u32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            let fields = stat.rsplit_once(')').unwrap().1;
            let start: u64 = fields.split_whitespace().nth(19).unwrap().parse().unwrap();
            start
        };
        let [pid, agent] = self.processes.each_ref().map(Child::id);
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let file = holder.as_object_mut().unwrap();
        file.insert("pid".into(), json!(pid));
        file.insert("start_time".into(), json!(started(pid)));
        file.insert("agent_pid".into(), json!(agent));
        file.insert("agent_start_time".into(), json!(started(agent)));
        file.insert("boot_id".into(), json!(boot.trim()));
        for name in ["init_start_time", "guardian", "scope"] {
            file.remove(name);
        }
    }

    /// Plays the holder of the session in `dir`.
    pub(super) fn listen(&mut self, dir: &Path) {
        // By way of the folder: the path may be longer than an address.
        let folder = fs::File::open(dir).unwrap();
        let path = format!("/proc/self/fd/{}/holder.sock", folder.as_raw_fd());
        let listener = UnixListener::bind(path).unwrap();
        let (news, _) = broadcast::channel(256);
        let part = Part {
            recording: Arc::clone(&self.recording),
            played: Arc::clone(&self.played),
            pids: self.processes.each_ref().map(Child::id),
            dir: dir.to_owned(),
            news,
        };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(part.clone().play(socket));
            }
        });
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn locked(played: &Mutex<Played>) -> MutexGuard<'_, Played> {
    played.lock().unwrap()
}

/// What each connection plays.
#[derive(Clone)]
struct Part {
    recording: Arc<Recording>,
    played: Arc<Mutex<Played>>,
    pids: [u32; 2],
    dir: std::path::PathBuf,
    /// What all connections hear that asked for it.
    news: broadcast::Sender<Frame>,
}

impl Part {
    async fn play(self, mut socket: UnixStream) {
        let mut news = self.news.subscribe();
        let (mut attached, mut events) = (false, false);
        let mut buffer = BytesMut::new();
        loop {
            tokio::select! {
                read = socket.read_buf(&mut buffer) => {
                    if !matches!(read, Ok(1..)) {
                        return;
                    }
                    while let Some((code, payload)) = take_frame(&mut buffer) {
                        attached |= code == code::ATTACH;
                        events |= code == code::EVENTS;
                        for frame in self.answer(code, payload) {
                            if !write(&socket, frame).await {
                                return;
                            }
                        }
                    }
                }
                frame = news.recv() => {
                    let Ok(frame) = frame else { return };
                    let wanted = match frame.0 {
                        code::OUTPUT => attached,
                        code::HOOK | code::QUIET => events,
                        _ => true,
                    };
                    if wanted && !write(&socket, frame).await {
                        return;
                    }
                }
            }
        }
    }

    /// What the holder said to such a request, where the session stands now.
    fn answer(&self, code: u8, payload: Bytes) -> Vec<Frame> {
        let mut played = locked(&self.played);
        played.asked.push(code);
        let steps = self.recording.steps();
        let here = played.steps.checked_sub(1).map_or(0, |step| steps[step]);
        let until = steps.get(played.steps).copied();
        let until = until.unwrap_or(self.recording.exchanges.len());
        let exchanges = &self.recording.exchanges;
        match code {
            code::HELLO => {
                let hello: Value = serde_json::from_slice(&payload).unwrap();
                if hello["protocol_min"].as_u64() > Some(1) {
                    let refusal = "it speaks another protocol; use a build nearer to it";
                    return vec![(code::ERROR, Bytes::from_static(refusal.as_bytes()))];
                }
                vec![self.patched(&exchanges[0].said[0], 0, "")]
            }
            code::INPUT | code::DELIVER | code::STOP => {
                assert_eq!(Some(code), exchanges.get(until).map(|next| next.asked.0));
                let mut rest = payload;
                let (number, key) = match code {
                    code::INPUT => (rest.get_u64(), String::new()),
                    code::DELIVER => {
                        let len = rest.get_u32() as usize;
                        (0, String::from_utf8(rest.split_to(len).to_vec()).unwrap())
                    }
                    _ => (0, String::new()),
                };
                if code != code::STOP {
                    let text = String::from_utf8(rest.to_vec()).unwrap();
                    let text = text.replace("\x1b[200~", "").replace("\x1b[201~", "");
                    played.typed.push(text);
                }
                played.steps += 1;
                let mut own = Vec::new();
                for frame in &exchanges[until].said {
                    match frame.0 {
                        code::INPUT_TAKEN | code::DELIVERED => {
                            own.push(self.patched(frame, number, &key));
                        }
                        code::EXITED => {
                            fs::write(self.dir.join("exit.json"), &frame.1).unwrap();
                            self.pids.iter().for_each(|pid| kill(pid.cast_signed()));
                            let _ = self.news.send(frame.clone());
                        }
                        _ => drop(self.news.send(frame.clone())),
                    }
                }
                own
            }
            code::ATTACH | code::EVENTS | code::SCREEN | code::INFO | code::IDENTIFY => {
                // What came with the step is as good as the answer to the request itself.
                let asked = exchanges[here..until].iter().rev();
                let found = asked.into_iter().find(|exchange| exchange.asked.0 == code);
                let Some(found) = found else {
                    return Vec::new();
                };
                let number = match code {
                    code::SCREEN => (&payload[..]).get_u64(),
                    _ => 0,
                };
                found
                    .said
                    .iter()
                    .map(|frame| self.patched(frame, number, ""))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// A frame with this session's processes, and this request's number or key.
    fn patched(&self, frame: &Frame, number: u64, key: &str) -> Frame {
        let (code, payload) = frame.clone();
        let mut out = BytesMut::new();
        match code {
            code::WELCOME => {
                let mut json: Value = serde_json::from_slice(&payload).unwrap();
                json["holder_pid"] = json!(self.pids[0]);
                json["agent_pid"] = json!(self.pids[1]);
                out.put_slice(json.to_string().as_bytes());
            }
            code::SCREEN_IS | code::INPUT_TAKEN => {
                out.put_u64(number);
                out.put_slice(&payload[8..]);
            }
            code::DELIVERED => {
                out.put_u8(payload[0]);
                out.put_slice(key.as_bytes());
            }
            _ => out.put_slice(&payload),
        }
        (code, out.freeze())
    }
}

/// The next whole frame.
pub(super) fn take_frame(buffer: &mut BytesMut) -> Option<Frame> {
    let header = buffer.first_chunk::<5>()?;
    let len = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let code = header[4];
    if buffer.len() < 5 + len {
        return None;
    }
    buffer.advance(5);
    Some((code, buffer.split_to(len).freeze()))
}

/// A frame as it is sent.
pub(super) fn encoded((code, payload): &Frame) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes().to_vec();
    bytes.push(*code);
    bytes.extend_from_slice(payload);
    bytes
}

async fn write(socket: &UnixStream, frame: Frame) -> bool {
    let bytes = encoded(&frame);
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        if socket.writable().await.is_err() {
            return false;
        }
        match socket.try_write(rest) {
            Ok(n) => rest = &rest[n..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
    true
}
