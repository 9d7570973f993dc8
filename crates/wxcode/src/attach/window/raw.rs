//! The terminal's settings: raw for a while, and restored afterwards, even after a panic.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use rustix::{
    io::Errno,
    termios::{
        OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
    },
};

/// The original settings; the restoring code takes them.
static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

#[derive(Debug)]
struct Before {
    input: OwnedFd,
    output: OwnedFd,
    termios: Termios,
    /// The bytes that undo the drawings.
    leave: Vec<u8>,
}

/// Restores the terminal on drop. There is one at a time.
#[derive(Debug)]
pub(super) struct Raw;

impl Raw {
    /// Makes a terminal raw.
    ///
    /// # Errors
    /// There is no terminal, or it is gone.
    pub(super) fn make(input: OwnedFd, output: OwnedFd) -> io::Result<Self> {
        restore_after_panics();
        let termios = tcgetattr(&input)?;
        make_raw(&input, &termios)?;
        *before() = Some(Before {
            input,
            output,
            termios,
            leave: Vec::new(),
        });
        Ok(Self)
    }

    /// Gives the terminal to the shell for a while.
    pub(super) fn suspend(&self) {
        if let Some(before) = before().as_mut() {
            give_back(before);
            before.leave = Vec::new();
        }
    }

    /// Makes the terminal raw again, after the shell had it.
    pub(super) fn again(&self) -> io::Result<()> {
        match before().as_ref() {
            Some(before) => make_raw(&before.input, &before.termios),
            None => Ok(()),
        }
    }
}

/// Stores the bytes that undo all drawings so far.
pub(super) fn on_leave(bytes: Vec<u8>) {
    if let Some(before) = before().as_mut() {
        before.leave = bytes;
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Writes everything and bypasses the library's buffer with its lock, which a blocked drawing may
/// hold.
pub(super) fn write_all(output: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&output, bytes) {
            Err(Errno::INTR) => {}
            count => bytes = bytes.get(count?..).unwrap_or_default(),
        }
    }
    Ok(())
}

fn before() -> MutexGuard<'static, Option<Before>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_raw(input: &OwnedFd, termios: &Termios) -> io::Result<()> {
    let mut raw = termios.clone();
    raw.make_raw();
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    Ok(tcsetattr(input, OptionalActions::Now, &raw)?)
}

fn restore() {
    if let Some(before) = before().take() {
        give_back(&before);
    }
}

fn give_back(before: &Before) {
    // Best effort: the terminal itself may be gone.
    let _ = write_all(&before.output, &before.leave);
    // Pending reports, and the rest of a paste, are not for the shell.
    let _ = tcflush(&before.input, QueueSelector::IFlush);
    let _ = tcsetattr(&before.input, OptionalActions::Now, &before.termios);
}

/// A release build aborts on a panic, without dropping anything.
fn restore_after_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            next(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Read, thread};

    use rustix::{
        fs::{Mode, OFlags},
        pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
        termios::LocalModes,
    };

    use super::*;

    #[test]
    fn a_panic_restores_the_terminal() {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let modes = |slave: &OwnedFd| {
            let termios = tcgetattr(slave).unwrap();
            (
                termios.local_modes,
                termios.input_modes,
                termios.output_modes,
            )
        };
        let cooked = modes(&slave);
        assert!(cooked.0.contains(LocalModes::ECHO | LocalModes::ICANON));

        let (input, output) = (slave.try_clone().unwrap(), slave.try_clone().unwrap());
        let panicked = thread::spawn(move || {
            let raw = Raw::make(input, output).unwrap();
            on_leave(b"bye".to_vec());
            let now = modes(&slave);
            assert!(!now.0.intersects(LocalModes::ECHO | LocalModes::ISIG));
            // As in a release build: nothing is dropped.
            std::mem::forget(raw);
            let _slave = slave;
            panic!("on purpose");
        })
        .join();
        assert!(panicked.is_err());

        let mut said = [0; 3];
        File::from(master.try_clone().unwrap())
            .read_exact(&mut said)
            .unwrap();
        assert_eq!(&said, b"bye");
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        assert_eq!(modes(&slave), cooked);
    }
}
