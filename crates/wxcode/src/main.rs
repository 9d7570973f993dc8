//! The program `wxcode`: see the library of the same name.

use std::process::ExitCode;

/// A server lives for weeks, with bursts of work on many threads.
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    wxcode::main()
}
