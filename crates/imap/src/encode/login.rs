//! LOGIN (RFC 9051, section 6.2.3).

use super::writer::Writer;
use crate::types::Login;

impl Writer<'_> {
    pub(super) fn login(&mut self, login: &Login) {
        self.astring(login.user().as_bytes());
        self.octet(b' ');
        self.astring(login.password().expose());
    }
}
