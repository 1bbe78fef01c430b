//! As much DER as it takes to look at what an authority is sent.

/// The tag and the content of the first element, and what follows it.
pub(crate) fn element(input: &[u8]) -> (u8, &[u8], &[u8]) {
    let (tag, first) = (input[0], usize::from(input[1]));
    let (length, begin) = match first {
        0..=0x7f => (first, 2),
        _ => {
            let count = first & 0x7f;
            (input[2..2 + count].iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), 2 + count)
        }
    };
    (tag, &input[begin..begin + length], &input[begin + length..])
}

/// The whole of the first element.
pub(crate) fn whole(input: &[u8]) -> &[u8] {
    &input[..input.len() - element(input).2.len()]
}

/// An ECDSA signature as a pair of numbers, in the form that certificates have it.
pub(crate) fn signature(fixed: &[u8]) -> Vec<u8> {
    let number = |octets: &[u8]| {
        let mut number: Vec<u8> = octets.iter().copied().skip_while(|octet| *octet == 0).collect();
        if number.first().is_none_or(|first| *first >= 0x80) {
            number.insert(0, 0);
        }
        [&[0x02, u8::try_from(number.len()).unwrap()][..], &number].concat()
    };
    let both = [number(&fixed[..32]), number(&fixed[32..])].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()][..], &both].concat()
}

/// Of a request for a certificate (RFC 2986 4): the octets of the public key, P-256, if it has signed the request and asks
/// for exactly these names.
pub(crate) fn requested_key(csr: &[u8], names: &[String]) -> Option<Vec<u8>> {
    let (_, request, _) = element(csr);
    let (info, rest) = (whole(request), element(request).2);
    let (_, _algorithm, rest) = element(rest);
    let (_, signature, _) = element(rest);
    let (_, fields, _) = element(info);
    let (_, _version, rest) = element(fields);
    let (_, _subject, rest) = element(rest);
    let (_, key_info, attributes) = element(rest);
    let (_, _algorithm, rest) = element(key_info);
    let (_, key, _) = element(rest);
    let key = key[1..].to_vec();
    crate::jws::is_signed(&key, info, &signature[1..]).then_some(())?;
    let named = |name: &String| {
        let wanted = [&[0x82, u8::try_from(name.len()).unwrap()][..], name.as_bytes()].concat();
        attributes.windows(wanted.len()).any(|window| window == wanted)
    };
    let lengths: usize = names.iter().map(|name| name.len() + 2).sum();
    let sequence = [0x30, u8::try_from(lengths).unwrap(), 0x82];
    (names.iter().all(named) && attributes.windows(3).any(|window| window == sequence)).then_some(key)
}
