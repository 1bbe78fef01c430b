//! The words with which mail is refused, and the codes for them (RFC 5321 4.2.3, RFC 3463).
//!
//! What may go better when it is tried again is of class 4: a full mailbox, a full disk, a store that failed. What
//! will not is of class 5, so that the sender learns of it now and not in five days.

use posthaste_smtp::{EnhancedStatus, Rejection};

use crate::store::{Room, StoreError, Usage};

/// What the store says no to.
pub(super) fn store(error: &StoreError) -> Rejection {
    match error {
        StoreError::OverQuota { .. } => Rejection::mailbox_full(),
        StoreError::Full => Rejection::no_storage(),
        StoreError::NoSuchAccount => Rejection::no_such_user(),
        error if error.is_temporary() => Rejection::try_later(),
        _ => refused(450, (4, 2, 0), "The mailbox cannot take the message now"),
    }
}

/// An account has no room for a message of so many octets: 552 when it never will, 452 while it is full.
pub(super) fn no_room(room: &Room, size: u64) -> Rejection {
    if room.takes(&Usage::default(), size) {
        Rejection::mailbox_full()
    } else {
        refused(552, (5, 2, 3), "The message is larger than all that the mailbox may hold")
    }
}

/// The message is larger than somebody who gets it, or who sends it, may have.
pub(super) fn larger_than_allowed() -> Rejection {
    refused(552, (5, 2, 3), "The message is larger than this mailbox takes or this user may send")
}

/// The message has been here, or everywhere else.
pub(super) fn going_in_circles() -> Rejection {
    refused(554, (5, 4, 6), "The message goes in circles")
}

/// The mailbox is switched off.
pub(super) fn disabled() -> Rejection {
    refused(550, (5, 2, 1), "This mailbox takes no mail")
}

/// A list that not everybody may write to.
pub(super) fn not_for_you() -> Rejection {
    refused(550, (5, 7, 1), "Only some may write to this address")
}

/// A user wants to write to somebody elsewhere.
pub(super) fn not_served() -> Rejection {
    refused(
        550,
        (5, 7, 1),
        "This server takes mail for its own domains only, and sends none to other servers",
    )
}

/// The client is not known here: RFC 6647.
pub(super) fn greylisted() -> Rejection {
    refused(451, (4, 7, 1), "Greylisted: this server is not known here yet, please try again in some minutes")
}

/// The user was switched off since the login.
pub(super) fn no_longer_allowed() -> Rejection {
    refused(550, (5, 7, 1), "This account may not send mail any more")
}

/// A rejection of these words; all of them are fit for a reply.
pub(super) fn refused(code: u16, (class, subject, detail): (u8, u16, u16), text: &str) -> Rejection {
    let status = EnhancedStatus::new(class, subject, detail).ok();
    Rejection::new(code, status, text).unwrap_or_else(|_| Rejection::try_later())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_fit_for_replies_and_classes_are_right() {
        for (rejection, code) in [
            (larger_than_allowed(), 552),
            (going_in_circles(), 554),
            (disabled(), 550),
            (not_for_you(), 550),
            (greylisted(), 451),
            (not_served(), 550),
            (no_longer_allowed(), 550),
            (store(&StoreError::UidsExhausted), 450),
            (store(&StoreError::Busy), 451),
            (store(&StoreError::Full), 452),
        ] {
            assert_eq!(rejection.reply().code(), code);
            assert_eq!(rejection.is_transient(), code < 500);
        }
    }

    #[test]
    fn no_room_now_or_never() {
        let room = Room { octets: Some(100), ..Room::UNLIMITED };
        assert_eq!(no_room(&room, 100).reply().code(), 452);
        assert_eq!(no_room(&room, 101).reply().code(), 552);
        assert_eq!(no_room(&Room { messages: Some(0), ..Room::UNLIMITED }, 1).reply().code(), 552);
    }
}
