//! Growth of the server's memory per command, from a rest to the next within the life of each
//! server.
//!
//! A new server fills its bounded buffers first, so only rests of the same server are comparable.

use wxcode_testbed::slope::Slope;

use super::{table::Process, world::Verdict};

/// Most growth per command in KiB, in a debug build. Measured: 7 to 35, while bounded buffers fill
/// up; a leak per command is larger.
const RISE_MAX: f64 = 56.0;

/// The memory of all servers of a run.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    lives: Vec<(Process, Vec<(f64, f64)>)>,
}

impl Memory {
    /// Records a rest: the commands so far, and the server's memory in KiB.
    pub(crate) fn note(&mut self, server: Process, commands: u64, kib: u64) {
        let point = (commands as f64, kib as f64);
        match self.lives.last_mut() {
            Some((of, points)) if *of == server => points.push(point),
            _ => self.lives.push((server, vec![point])),
        }
    }

    fn slope(&self) -> Option<Slope> {
        Slope::within(self.lives.iter().map(|(_, points)| points.as_slice()))
    }

    /// The result as text.
    pub(crate) fn said(&self) -> String {
        match self.slope() {
            Some(Slope { median, low, high }) => format!(
                "memory of the server: {median:+.1} KiB a command, 95 % between {low:+.1} and {high:+.1}, at most {RISE_MAX}"
            ),
            None => "memory of the server: too few rests to say".to_owned(),
        }
    }

    /// Only certain growth is an error: few rests prove little.
    pub(crate) fn judge(&self) -> Verdict {
        match self.slope() {
            Some(slope) if slope.low > RISE_MAX => Err(self.said()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three servers with this growth per command, and with 15 commands between rests.
    fn memory(rise: u64) -> Memory {
        let mut memory = Memory::default();
        for rest in 0..12_u64 {
            let life = rest / 4;
            let server = Process {
                pid: 7,
                start: life,
            };
            let kib = 7_000 + 300 * life + rest % 4 * 15 * rise + rest * 7_919 % 200;
            memory.note(server, rest * 15, kib);
        }
        memory
    }

    #[test]
    fn growth_per_command_spans_several_servers() {
        memory(30).judge().unwrap();
        let wrong = memory(94).judge().unwrap_err();
        assert!(wrong.contains("KiB a command"), "{wrong}");
        assert!(Memory::default().said().contains("too few"));
    }
}
