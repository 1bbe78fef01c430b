//! What an exchange must know of the connection below: whether it is private, and what ties the exchange to
//! it (channel binding, RFC 5056). The data comes from the TLS library; this crate only compares and sends
//! it.

use alloc::vec::Vec;
use posthaste_wire::{Secret, Security};

use crate::{Field, SaslError};

/// The connection below an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    security: Security,
    bindings: Vec<ChannelBinding>,
}

/// A kind of channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BindingType {
    /// `tls-unique` (RFC 5929 3): the first Finished message of the handshake, up to TLS 1.2 and with
    /// extended master secret only (RFC 7627). Do not give it where TLS 1.3 runs: there is no such value.
    TlsUnique,
    /// `tls-server-end-point` (RFC 5929 4): the hash of the server's certificate, with the hash function of
    /// its signature; SHA-256 in place of MD5 and SHA-1.
    TlsServerEndPoint,
    /// `tls-exporter` (RFC 9266): 32 octets of keying material exported with the label
    /// [`EXPORTER_LABEL`](Self::EXPORTER_LABEL) and an empty context. TLS 1.3, or TLS 1.2 with extended
    /// master secret.
    TlsExporter,
}

/// The data that ties an exchange to one TLS connection. Never printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding {
    kind: BindingType,
    data: Secret,
}

impl Channel {
    /// A connection that is protected like this, with nothing to bind to.
    pub const fn new(security: Security) -> Self {
        Self { security, bindings: Vec::new() }
    }

    /// The same, with one more binding at hand. A client uses the one that was given first.
    #[must_use]
    pub fn with_binding(mut self, binding: ChannelBinding) -> Self {
        self.bindings.push(binding);
        self
    }

    /// What protects the connection.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// The bindings, best first.
    pub fn bindings(&self) -> &[ChannelBinding] {
        &self.bindings
    }

    pub(crate) fn binding(&self, name: &str) -> Option<&ChannelBinding> {
        self.bindings.iter().find(|binding| binding.kind.name() == name)
    }
}

impl BindingType {
    /// The label under which `tls-exporter` exports its keying material (RFC 9266 2).
    pub const EXPORTER_LABEL: &'static str = "EXPORTER-Channel-Binding";

    /// How many octets `tls-exporter` exports (RFC 9266 2).
    pub const EXPORTER_LENGTH: usize = 32;

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlsUnique => "tls-unique",
            Self::TlsServerEndPoint => "tls-server-end-point",
            Self::TlsExporter => "tls-exporter",
        }
    }
}

impl ChannelBinding {
    /// The longest data, in octets: that of the longest hash function of certificates.
    pub const DATA_MAX: usize = 64;

    /// A binding of this kind with this data.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when the data cannot be what it should: empty or longer than
    /// [`DATA_MAX`](Self::DATA_MAX), or not of 32 octets for `tls-exporter`. Data that says nothing would
    /// bind to nothing.
    pub fn new(kind: BindingType, data: impl Into<Secret>) -> Result<Self, SaslError> {
        let (data, field) = (data.into(), Field::Binding);
        match (kind, data.len()) {
            (_, 0) => Err(SaslError::Empty(field)),
            (_, length) if length > Self::DATA_MAX => {
                Err(SaslError::TooLong { field, limit: Self::DATA_MAX })
            }
            (BindingType::TlsExporter, length) if length != BindingType::EXPORTER_LENGTH => {
                Err(SaslError::Malformed)
            }
            _ => Ok(Self { kind, data }),
        }
    }

    /// The kind.
    pub const fn kind(&self) -> BindingType {
        self.kind
    }

    pub(crate) fn data(&self) -> &[u8] {
        self.data.expose()
    }
}
