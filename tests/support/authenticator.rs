//! An authenticator: six digits from a secret and the time.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::time::now;

/// What somebody has on his telephone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authenticator(Vec<u8>);

impl Authenticator {
    /// Types the secret of `page` in.
    pub(crate) fn learn(page: &str) -> Self {
        let shown = between(page, "class=\"secret\">", "<").replace(' ', "");
        assert!(page.contains(&format!("secret={shown}&")), "the address says another: {page}");
        let five = |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).expect("base32") as u64;
        let letters: Vec<char> = shown.chars().collect();
        let bits = |eight: &[char]| eight.iter().fold(0, |all, c| all << 5 | five(*c));
        Self(letters.chunks(8).flat_map(|eight| bits(eight).to_be_bytes()[3..].to_vec()).collect())
    }

    /// The code that it shows at `away` half minutes from now.
    pub(crate) fn code(&self, away: i64) -> String {
        let step = now().as_second().div_euclid(30) + away;
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("any length");
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let at = usize::from(hash[19] & 15);
        let four: [u8; 4] = hash[at..at + 4].try_into().expect("four bytes");
        format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
    }

    /// A code that nothing near now has.
    pub(crate) fn wrong(&self) -> String {
        let near: Vec<String> = (-3..=3).map(|away| self.code(away)).collect();
        ["000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"]
            .into_iter()
            .find(|code| !near.iter().any(|n| n == code))
            .expect("seven codes are not eight")
            .to_owned()
    }
}

/// What stands in `text` after `before`, up to `after`.
pub(crate) fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before:?}: {text}")).1;
    rest.split_once(after).expect("an end").0
}
