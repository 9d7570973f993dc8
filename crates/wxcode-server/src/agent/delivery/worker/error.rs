//! Why an effect of the machine could not be carried out.

use wxcode_holder::client::ClientError;

/// Why an effect failed.
pub(in crate::agent) enum EffectError {
    /// The holder cannot be reached.
    Holder(ClientError),
    Store,
    /// Another writer changed the delivery.
    Changed,
}
