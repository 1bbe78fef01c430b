//! The extensions a server offers: what is announced in the reply to EHLO is what is accepted, and nothing else is.
//!
//! What costs the application nothing is always there: PIPELINING, 8BITMIME, ENHANCEDSTATUSCODES, SIZE, and CHUNKING
//! unless it is taken away. All else is a promise that only the application can keep, so it asks for it by name.
//! STARTTLS, AUTH, XCLIENT and XFORWARD are parts of [`Config`](super::Config).

use alloc::vec::Vec;

use crate::{AnnouncedLimits, Capability, DateTime, Limits, Text};

/// The extensions of a server. The default: PIPELINING, 8BITMIME, ENHANCEDSTATUSCODES, SIZE and CHUNKING.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extensions {
    switches: u16,
    future_release: Option<(u32, DateTime)>,
    deliver_by: Option<Option<u32>>,
    mt_priority: Option<Option<Text>>,
}

/// One extension without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    Chunking,
    BinaryMime,
    SmtpUtf8,
    Dsn,
    RequireTls,
    Rrvs,
    Limits,
    Etrn,
    Vrfy,
    Expn,
    Help,
}

impl Default for Extensions {
    fn default() -> Self {
        Self::new()
    }
}

impl Extensions {
    /// What costs the application nothing.
    pub const fn new() -> Self {
        Self { switches: 0, future_release: None, deliver_by: None, mt_priority: None }.with(Switch::Chunking)
    }

    /// Without CHUNKING, and so without BINARYMIME. BDAT is then answered with 502, behind its octets.
    #[must_use]
    pub const fn without_chunking(mut self) -> Self {
        self.switches &= !(Switch::Chunking.bit() | Switch::BinaryMime.bit());
        self
    }

    /// With BINARYMIME (RFC 3030 3), and with the CHUNKING it needs. Promises that messages with NUL, bare CR and
    /// bare LF in them are delivered as they are, or not at all.
    #[must_use]
    pub const fn with_binary_mime(self) -> Self {
        self.with(Switch::Chunking).with(Switch::BinaryMime)
    }

    /// With SMTPUTF8 (RFC 6531). Promises that non-ASCII addresses and header fields are understood.
    #[must_use]
    pub const fn with_smtp_utf8(self) -> Self {
        self.with(Switch::SmtpUtf8)
    }

    /// With DSN (RFC 3461). Promises notices as they are asked for.
    #[must_use]
    pub const fn with_dsn(self) -> Self {
        self.with(Switch::Dsn)
    }

    /// With REQUIRETLS (RFC 8689), announced and taken inside TLS only. Promises that such a message goes nowhere
    /// without TLS.
    #[must_use]
    pub const fn with_require_tls(self) -> Self {
        self.with(Switch::RequireTls)
    }

    /// With FUTURERELEASE (RFC 4865), for at most `seconds_max` seconds or until `until_max`, in UTC. Promises that
    /// messages are held back.
    #[must_use]
    pub fn with_future_release(self, seconds_max: u32, until_max: DateTime) -> Self {
        Self { future_release: Some((seconds_max, until_max)), ..self }
    }

    /// With DELIVERBY (RFC 2852). `seconds_min` is the least time for a message that is to be returned when the time
    /// is over; `None` announces none.
    #[must_use]
    pub fn with_deliver_by(self, seconds_min: Option<u32>) -> Self {
        Self { deliver_by: Some(seconds_min), ..self }
    }

    /// With MT-PRIORITY (RFC 6710) and the name of the assignment policy, where it has one.
    #[must_use]
    pub fn with_mt_priority(self, profile: Option<Text>) -> Self {
        Self { mt_priority: Some(profile), ..self }
    }

    /// With RRVS (RFC 7293). Promises that mailboxes that changed hands are not delivered to.
    #[must_use]
    pub const fn with_rrvs(self) -> Self {
        self.with(Switch::Rrvs)
    }

    /// With LIMITS (RFC 9422): announces [`Limits::recipients_max`] as `RCPTMAX` and [`Limits::transactions_max`],
    /// where there is one, as `MAILMAX`.
    #[must_use]
    pub const fn with_limits(self) -> Self {
        self.with(Switch::Limits)
    }

    /// With ETRN (RFC 1985): the application is asked ([`Event::Etrn`](super::Event::Etrn)).
    #[must_use]
    pub const fn with_etrn(self) -> Self {
        self.with(Switch::Etrn)
    }

    /// With VRFY that means something: the application is asked ([`Event::Vrfy`](super::Event::Vrfy)). Without it
    /// the machine says 252 to whatever is asked (RFC 5321 3.5.3).
    #[must_use]
    pub const fn with_vrfy(self) -> Self {
        self.with(Switch::Vrfy)
    }

    /// With EXPN: the application is asked ([`Event::Expn`](super::Event::Expn)). Without it EXPN is not
    /// implemented.
    #[must_use]
    pub const fn with_expn(self) -> Self {
        self.with(Switch::Expn)
    }

    /// With HELP announced. It is answered in any case.
    #[must_use]
    pub const fn with_help(self) -> Self {
        self.with(Switch::Help)
    }

    pub(super) const fn has(&self, switch: Switch) -> bool {
        self.switches & switch.bit() != 0
    }

    pub(super) const fn future_release(&self) -> Option<&(u32, DateTime)> {
        self.future_release.as_ref()
    }

    /// The offer, and the least time in it.
    pub(super) const fn deliver_by(&self) -> Option<Option<u32>> {
        self.deliver_by
    }

    pub(super) const fn offers_priority(&self) -> bool {
        self.mt_priority.is_some()
    }

    /// What is announced, inside TLS or outside.
    pub(super) fn capabilities(&self, limits: &Limits, tls: bool) -> Vec<Capability> {
        let mut list = Vec::from([
            Capability::Size(Some(limits.message_max)),
            Capability::Pipelining,
            Capability::EightBitMime,
            Capability::EnhancedStatusCodes,
        ]);
        let switched = [
            (Switch::Chunking, Capability::Chunking),
            (Switch::BinaryMime, Capability::BinaryMime),
            (Switch::SmtpUtf8, Capability::SmtpUtf8),
            (Switch::Dsn, Capability::Dsn),
            (Switch::RequireTls, Capability::RequireTls),
            (Switch::Rrvs, Capability::Rrvs),
            (Switch::Limits, Capability::Limits(announced(limits))),
            (Switch::Etrn, Capability::Etrn),
            (Switch::Vrfy, Capability::Vrfy),
            (Switch::Expn, Capability::Expn),
            (Switch::Help, Capability::Help),
        ];
        for (switch, capability) in switched {
            // RFC 8689 2: not in the clear.
            if self.has(switch) && (tls || switch != Switch::RequireTls) {
                list.push(capability);
            }
        }
        if let Some((seconds_max, until_max)) = &self.future_release {
            list.push(Capability::FutureRelease { seconds_max: *seconds_max, until_max: until_max.clone() });
        }
        list.extend(self.deliver_by.map(Capability::DeliverBy));
        list.extend(self.mt_priority.clone().map(Capability::MtPriority));
        list
    }

    const fn with(mut self, switch: Switch) -> Self {
        self.switches |= switch.bit();
        self
    }
}

impl Switch {
    const fn bit(self) -> u16 {
        match self {
            Self::Chunking => 1,
            Self::BinaryMime => 1 << 1,
            Self::SmtpUtf8 => 1 << 2,
            Self::Dsn => 1 << 3,
            Self::RequireTls => 1 << 4,
            Self::Rrvs => 1 << 5,
            Self::Limits => 1 << 6,
            Self::Etrn => 1 << 7,
            Self::Vrfy => 1 << 8,
            Self::Expn => 1 << 9,
            Self::Help => 1 << 10,
        }
    }
}

/// What is enforced, as far as six digits can say it (RFC 9422 4).
fn announced(limits: &Limits) -> AnnouncedLimits {
    const SIX_DIGITS: u32 = 999_999;
    let recipients = u32::try_from(limits.recipients_max).unwrap_or(SIX_DIGITS);
    AnnouncedLimits {
        mail_max: limits.transactions_max.map(|max| max.clamp(1, SIX_DIGITS)),
        rcpt_max: Some(recipients.clamp(1, SIX_DIGITS)),
        ..AnnouncedLimits::default()
    }
}
