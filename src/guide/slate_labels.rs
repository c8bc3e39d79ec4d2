//! What every slate says, in the county's languages.

use crate::base::Lang;

/// "Next", "stay tuned" and "the signal is lost, we will be back" in `lang`;
/// in the same language's other script, then in Chinese, where there is none.
pub fn slate_labels(lang: &Lang) -> (&'static str, &'static str, &'static str) {
    match lang.as_str() {
        "kk-Arab" => {
            ("كەلەسى باعدارلاما", "بىزبەن بىرگە بولىڭىز", "سيگنال ءۇزىلدى، جاقىن ارادا قالپىنا كەلەدى")
        }
        "ky-Arab" => ("كىيىنكى بەرۉۉ", "بىز مەنەن بولۇڭۇز", "سىگنال ۉزۉلدۉ، جاقىندا قالىبىنا كەلەت"),
        _ => match lang.primary() {
            "ug" => ("كېيىنكى پروگرامما", "دىققەت قىلىپ كۆرۈڭ", "سىگنال ئۈزۈلدى، پات ئارىدا ئەسلىگە كېلىدۇ"),
            "kk" => {
                ("Келесі бағдарлама", "Бізбен бірге болыңыз", "Сигнал үзілді, жақын арада қалпына келеді")
            }
            "ky" => ("Кийинки берүү", "Биз менен болуңуз", "Сигнал үзүлдү, жакында калыбына келет"),
            "mn" => ("ᠳᠠᠷᠠᠭᠠᠬᠢ ᠨᠡᠪᠲᠡᠷᠡᠭᠦᠯᠭᠡ", "ᠬᠠᠮᠲᠤ ᠪᠠᠶᠢᠭᠠᠷᠠᠢ", "ᠳᠣᠬᠢᠶ᠎ᠠ ᠲᠠᠰᠤᠷᠠᠪᠠ᠂ ᠤᠳᠠᠬᠤ ᠦᠭᠡᠢ ᠰᠡᠷᠭᠦᠨ᠎ᠡ"),
            "en" => ("Next", "Stay tuned", "Signal lost. We will be back soon."),
            _ => ("接下来", "敬请收看", "信号中断，即将恢复"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_labels_of_its_own() {
        let tags = ["zh-Hans", "ug-Arab", "kk-Arab", "kk-Cyrl", "ky-Arab", "ky-Cyrl", "mn-Mong", "en"];
        let said: std::collections::BTreeSet<_> =
            tags.iter().map(|tag| slate_labels(&Lang::new(tag).unwrap())).collect();
        assert_eq!(said.len(), tags.len());
        assert_eq!(slate_labels(&Lang::new("fr").unwrap()).0, "接下来");
    }
}
