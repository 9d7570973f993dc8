//! Events of the agent: terminal input, signals, the end of a hold.

use std::{
    fs::File,
    io::{self, Read as _},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use tokio::signal::unix::{SignalKind, signal};

/// Most queued events; beyond this number, readers block.
const WAITING_MAX: usize = 64;

/// Most bytes per read: a read is a burst.
const BURST_MAX: usize = 64 << 10; // 64 KiB

#[derive(Debug)]
pub(crate) enum Event {
    /// A burst of bytes.
    Input(Vec<u8>),
    /// The terminal is gone.
    Gone,
    /// The terminal has another size.
    Resized,
    /// A signal asks the process to end, with this exit code.
    Asked(u8),
    /// The FIFO of a held turn was opened.
    Released,
    /// A compaction between two turns begins.
    Compacting,
    /// The compaction is over.
    Compacted,
}

/// A channel with the signals.
pub(crate) fn signals() -> io::Result<(SyncSender<Event>, Receiver<Event>)> {
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let (ready, is_ready) = sync_channel(1);
    let events = sender.clone();
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            let (Ok(mut winch), Ok(mut term), Ok(mut hup)) = (
                signal(SignalKind::window_change()),
                signal(SignalKind::terminate()),
                signal(SignalKind::hangup()),
            ) else {
                return;
            };
            let _ = ready.send(());
            loop {
                let event = tokio::select! {
                    _ = winch.recv() => Event::Resized,
                    _ = term.recv() => Event::Asked(143),
                    _ = hup.recv() => Event::Asked(129),
                };
                // A full channel means no reader (the daemon): the signal is ignored.
                let _ = events.try_send(event);
            }
        });
    });
    is_ready
        .recv()
        .map_err(|_| io::Error::other("signals cannot be received"))?;
    Ok((sender, receiver))
}

/// Sends the terminal's input.
pub(crate) fn read_input(sender: SyncSender<Event>) {
    thread::spawn(move || {
        let mut burst = vec![0; BURST_MAX];
        loop {
            let event = match io::stdin().lock().read(&mut burst) {
                Ok(count @ 1..) => Event::Input(burst[..count].to_vec()),
                _ => Event::Gone,
            };
            let is_last = matches!(event, Event::Gone);
            if sender.send(event).is_err() || is_last {
                return;
            }
        }
    });
}

/// Sends each event after `fifo` was opened for writing once more.
pub(crate) fn wait_for(fifo: String, each: Vec<Event>, sender: SyncSender<Event>) {
    thread::spawn(move || {
        for event in each {
            // Opening a FIFO for reading waits for a writer, reading for the writer's end.
            let opened = File::open(&fifo);
            let _ = sender.send(event);
            if let Ok(mut fifo) = opened {
                let _ = io::copy(&mut fifo, &mut io::sink());
            }
        }
    });
}
