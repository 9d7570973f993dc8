//! Runs the stub of the Messages API until it is interrupted, and prints its address.

use std::{io, thread};

use wxcode_testbed::Stub;

fn main() -> io::Result<()> {
    let stub = Stub::start_blocking()?;
    println!("{}", stub.base_url());
    loop {
        thread::park();
    }
}
