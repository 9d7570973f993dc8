//! Requests to the database, and the documents that they return or change.

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Load {
    requests: u64,
    documents: u64,
}

impl Load {
    pub(crate) fn count(&mut self, documents: usize) {
        self.requests += 1;
        self.documents += documents as u64;
    }

    pub(crate) fn print(self, before: Self, what: &str, ms: u64, units: f64) {
        let rate = |count: u64| count as f64 * 1_000.0 / ms as f64;
        println!(
            "{what}: {:.0} requests and {:.0} documents a second; {:.1} requests an hour each",
            rate(self.requests - before.requests),
            rate(self.documents - before.documents),
            rate(self.requests - before.requests) * 3_600.0 / units,
        );
    }
}
