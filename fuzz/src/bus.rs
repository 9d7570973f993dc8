//! Messages of a D-Bus: any stream ends in an error or in the stream's end, and the messages before a
//! cut are the same.

/// Shortest message, in bytes.
const HEAD: usize = 16;

/// Runs one input: the stream of a bus after its authentication.
pub fn run(data: &[u8]) {
    let (messages, error) = wxcode_holder::read_bus(data);
    assert!(messages <= data.len() / HEAD, "{messages} messages");
    assert!(error.len() < 200, "{error}");
    let (fewer, _) = wxcode_holder::read_bus(&data[..data.len() / 2]);
    assert!(fewer <= messages, "a cut makes messages");
    let twice = [data, data].concat();
    let (more, _) = wxcode_holder::read_bus(&twice);
    assert!(more >= messages, "a longer stream loses messages");
}
