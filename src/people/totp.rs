//! Codes of a second factor that change every half minute (TOTP, RFC 6238):
//! what an authenticator shows, and which of it is taken.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha1::Sha1;

/// Seconds a code is shown.
const PERIOD: i64 = 30;
/// Codes before and after the present one that are taken: clocks differ, and typing takes time.
const WINDOW: u64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A half minute since the epoch: the counter of RFC 6238 §4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(pub u64);

impl Step {
    /// The one that `now` lies in.
    pub fn at(now: Timestamp) -> Self {
        Self(u64::try_from(now.as_second().div_euclid(PERIOD)).unwrap_or(0))
    }
}

/// What an authenticator and the server share: 160 random bits (RFC 4226 §4, R6).
///
/// SHA-1 is what every authenticator knows; many take no other algorithm, and
/// do not say so. As a keyed hash it is still sound.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; 20]);

impl TotpSecret {
    /// From random bytes, or from the store.
    pub fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// For the store.
    pub fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// As it is typed into an authenticator.
    pub fn base32(&self) -> String {
        let five = |bytes: &[u8]| bytes.iter().fold(0u64, |all, b| all << 8 | u64::from(*b));
        let letters = |bits: u64| (0..8).rev().map(move |i| BASE32[(bits >> (5 * i)) as usize & 31]);
        self.0.chunks(5).flat_map(|bytes| letters(five(bytes))).map(char::from).collect()
    }

    /// The same in groups of four.
    pub fn shown(&self) -> String {
        let all = self.base32();
        let groups: Vec<&str> = (0..all.len()).step_by(4).filter_map(|i| all.get(i..i + 4)).collect();
        groups.join(" ")
    }

    /// What the square says to an authenticator: whose it is, and where.
    pub fn uri(&self, issuer: &str, login: &str) -> String {
        // A colon would end the issuer.
        let issuer = escaped(&issuer.replace(':', " "));
        let (login, secret) = (escaped(login), self.base32());
        format!("otpauth://totp/{issuer}:{login}?secret={secret}&issuer={issuer}")
    }

    /// The code of a half minute (RFC 4226 §5.3).
    pub(super) fn code(&self, step: Step) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.0.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[19] & 15);
        let four = &hash[offset..offset + 4];
        let number = four.iter().fold(0u32, |all, b| all << 8 | u32::from(*b)) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// The half minute whose code `typed` is, if it is taken at `now`: not
    /// `last`, the one that was taken before, and none before that.
    pub fn taken(&self, typed: &str, now: Timestamp, last: Option<Step>) -> Option<Step> {
        let typed = digits(typed)?;
        let here = Step::at(now).0;
        let near = (here.saturating_sub(WINDOW)..=here + WINDOW).map(Step);
        near.filter(|step| last.is_none_or(|last| *step > last)).find(|step| self.code(*step) == typed)
    }
}

impl std::fmt::Debug for TotpSecret {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret")
    }
}

/// A code as people type it: with spaces, with the digits of their keyboard.
fn digits(text: &str) -> Option<String> {
    const ZEROS: [char; 4] = ['0', '\u{660}', '\u{6f0}', '\u{ff10}'];
    let digit = |c: char| {
        ZEROS.iter().find_map(|zero| {
            let value = u32::from(c).checked_sub(u32::from(*zero)).filter(|v| *v < 10)?;
            char::from_digit(value, 10)
        })
    };
    let all: Option<String> = text.chars().filter(|c| !c.is_whitespace()).map(digit).collect();
    all.filter(|d| d.len() == DIGITS)
}

/// For a URI: all but what RFC 3986 §2.3 leaves unreserved.
fn escaped(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, SHA-1; the last six of its eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn secret() -> TotpSecret {
        TotpSecret::new(*b"12345678901234567890")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (second, code) in VECTORS {
            assert_eq!(secret().code(Step::at(at(second))), code, "{second}");
            assert_eq!(secret().taken(code, at(second), None), Some(Step::at(at(second))));
        }
    }

    #[test]
    fn a_code_is_good_for_its_half_minute_and_its_neighbours() {
        let code = secret().code(Step(1000));
        let taken = |second| secret().taken(&code, at(second), None);
        assert_eq!((taken(29_969), taken(29_970)), (None, Some(Step(1000))));
        assert_eq!((taken(30_059), taken(30_060)), (Some(Step(1000)), None));
        assert_eq!(secret().taken(&code, at(30_000), Some(Step(1000))), None, "once");
        assert_eq!(secret().taken(&code, at(30_000), Some(Step(1001))), None, "and not after a later one");
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        for typed in ["287082", " 287 082 ", "٢٨٧٠٨٢", "۲۸۷۰۸۲", "２８７０８２"] {
            assert!(secret().taken(typed, at(59), None).is_some(), "{typed}");
        }
        for typed in ["", "28708", "2870820", "28708a", "-287082", "+87082"] {
            assert_eq!(secret().taken(typed, at(59), None), None, "{typed}");
        }
    }

    #[test]
    fn an_authenticator_is_told_all_it_needs() {
        let secret = secret();
        assert_eq!(secret.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(secret.shown().starts_with("GEZD GNBV ") && secret.shown().len() == 39);
        let uri = secret.uri("示范:县", "a@b");
        let issuer = "%E7%A4%BA%E8%8C%83%20%E5%8E%BF";
        let expected =
            format!("otpauth://totp/{issuer}:a%40b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer={issuer}");
        assert_eq!(uri, expected);
        assert_eq!(format!("{secret:?}"), "TotpSecret");
    }
}
