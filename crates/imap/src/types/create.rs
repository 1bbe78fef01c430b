//! CREATE (RFC 9051, section 6.3.4; RFC 6154, section 3).

use crate::types::{Mailbox, SpecialUse};
use alloc::vec::Vec;

/// The arguments of CREATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The new mailbox. A trailing hierarchy delimiter announces that names below it will follow.
    pub mailbox: Mailbox,
    /// `USE (..)`: the roles it gets.
    pub special_use: Vec<SpecialUse>,
}
