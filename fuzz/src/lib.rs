//! Fuzz targets: functions of bytes that panic when a promise does not hold.
//!
//! A target is a module here with a function `run`, its line in [`TARGETS`], one file in `src/bin`
//! for libFuzzer, and a few first inputs in `seeds/<name>`. Without libFuzzer the programs run the
//! given inputs, and the tests run the seeds.

pub mod bus;
pub mod config;
pub mod frame;
pub mod hook;
pub mod hostile;
mod input;
pub mod json;
pub mod log;
mod memory;
pub mod parameter;
pub mod planning;
pub mod record;
pub mod report;
pub mod screen;
pub mod state;
pub mod stream_json;
pub mod transcript;
pub mod wire;

/// A target: its name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("bus", bus::run),
    ("config", config::run),
    ("frame", frame::run),
    ("hook", hook::run),
    ("hostile", hostile::run),
    ("json", json::run),
    ("log", log::run),
    ("parameter", parameter::run),
    ("planning", planning::run),
    ("record", record::run),
    ("report", report::run),
    ("screen", screen::run),
    ("state", state::run),
    ("stream_json", stream_json::run),
    ("transcript", transcript::run),
    ("wire", wire::run),
];

/// The program of a target: libFuzzer's, or one that runs the given files.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name::run(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for path in std::env::args_os().skip(1) {
                $crate::$name::run(&std::fs::read(&path)?);
                println!("{} is borne", path.display());
            }
            Ok(())
        }
    };
}

#[cfg(test)]
mod tests;
