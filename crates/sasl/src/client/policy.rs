//! Which mechanisms a client is ready to use, and the choice among those a server offers.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::Credentials;
use crate::scram::{ITERATIONS_MAX, ITERATIONS_MIN};
use crate::{Channel, Mechanism, Plaintext};

/// What a client is ready to do.
///
/// Whoever is in the path can cut down the list of a server's mechanisms. A floor, or a pin on what the
/// server offered the last time, is what holds against that where there is no TLS, or a TLS that somebody
/// opened.
///
/// ```
/// use posthaste_sasl::client::{Credentials, Policy, choose};
/// use posthaste_sasl::{Channel, Mechanism, Secret, Security};
///
/// let credentials = Credentials::password("ursel", Secret::from("Geheim!"));
/// let channel = Channel::new(Security::Tls);
/// let policy = Policy::default().with_floor(Mechanism::ScramSha256);
/// assert_eq!(choose(&["PLAIN", "SCRAM-SHA-1"], &credentials, &policy, &channel), None);
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    floor: Mechanism,
    pinned: Vec<Mechanism>,
    plaintext: Plaintext,
    iterations: RangeInclusive<u32>,
}

impl Default for Policy {
    /// No floor, no pin, nothing in the clear, and iterations between [`ITERATIONS_MIN`] and
    /// [`ITERATIONS_MAX`].
    fn default() -> Self {
        Self {
            floor: Mechanism::Anonymous,
            pinned: Vec::new(),
            plaintext: Plaintext::default(),
            iterations: ITERATIONS_MIN..=ITERATIONS_MAX,
        }
    }
}

impl Policy {
    /// The same, with nothing weaker than `floor`.
    #[must_use]
    pub fn with_floor(self, floor: Mechanism) -> Self {
        Self { floor, ..self }
    }

    /// The same, with one more mechanism that may be used; once there is one, no others are.
    #[must_use]
    pub fn with_pinned(mut self, mechanism: Mechanism) -> Self {
        self.pinned.push(mechanism);
        self
    }

    /// The same, showing passwords and tokens elsewhere.
    #[must_use]
    pub fn with_plaintext(self, plaintext: Plaintext) -> Self {
        Self { plaintext, ..self }
    }

    /// The same, with other bounds for the iterations that a server may ask for. They can be narrowed, not
    /// widened.
    #[must_use]
    pub fn with_iterations(self, iterations: RangeInclusive<u32>) -> Self {
        let min = (*iterations.start()).max(ITERATIONS_MIN);
        let max = (*iterations.end()).min(ITERATIONS_MAX);
        Self { iterations: min..=max, ..self }
    }

    pub(super) const fn iterations(&self) -> (u32, u32) {
        (*self.iterations.start(), *self.iterations.end())
    }

    fn allows(&self, mechanism: Mechanism, channel: &Channel) -> bool {
        mechanism >= self.floor
            && (self.pinned.is_empty() || self.pinned.contains(&mechanism))
            && self.plaintext.allows(mechanism, channel.security())
            && (!mechanism.is_bound() || !channel.bindings().is_empty())
    }
}

/// The strongest mechanism that the server offers, that this crate speaks, that takes these credentials, and
/// that `policy` allows on this `channel`. `None` when there is none: then there is no login, rather than a
/// weak one.
pub fn choose(
    offered: &[impl AsRef<str>],
    credentials: &Credentials,
    policy: &Policy,
    channel: &Channel,
) -> Option<Mechanism> {
    let known = offered.iter().filter_map(|name| Mechanism::from_name(name.as_ref()));
    known.filter(|mechanism| credentials.fit(*mechanism) && policy.allows(*mechanism, channel)).max()
}
