//! The two questions of LOGIN (draft-murchison-sasl-login 2). It was never standardised; clients match on the
//! wording of the questions or ignore it, so the wording is the one that most servers use.

/// The question for the name.
pub(crate) const USER_QUESTION: &[u8] = b"Username:";

/// The question for the password.
pub(crate) const PASSWORD_QUESTION: &[u8] = b"Password:";
