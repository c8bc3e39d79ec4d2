//! Finding lessons by words, however a keyboard writes their letters.

/// Text as it is compared: lower case, without marks that are seldom typed, and with one
/// letter for those that keyboards and orthographies write in several ways.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).filter_map(letter).collect()
}

/// True if each word of `query` is somewhere in `texts`; all are [folded](fold).
pub fn finds(query: &str, texts: &[&str]) -> bool {
    query.split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
}

fn letter(c: char) -> Option<char> {
    Some(match c {
        // Marks of vowels, the stretching line, joiners, and the mark of soft Kazakh words.
        '\u{0640}' | '\u{064b}'..='\u{065f}' | '\u{0670}' | '\u{0674}' | '\u{0675}' => return None,
        '\u{200b}'..='\u{200f}' | '\u{180b}'..='\u{180e}' | '\u{feff}' => return None,
        // The Arabic script as Uyghur, Kazakh, Kyrgyz and Arabic keyboards have it.
        'ي' | 'ى' | 'ې' | 'ئ' | 'ی' => 'ي',
        'ك' | 'ک' | 'ڪ' => 'ك',
        'ه' | 'ە' | 'ھ' | 'ة' | 'ہ' => 'ه',
        'و' | 'ۇ' | 'ۆ' | 'ۈ' | 'ۋ' | 'ۅ' | 'ۉ' | 'ؤ' => 'و',
        'ا' | 'أ' | 'إ' | 'آ' => 'ا',
        'ڭ' | 'ݣ' => 'ڭ',
        // Cyrillic: what a Russian keyboard has instead.
        'ё' => 'е',
        'ә' => 'а',
        'ө' => 'о',
        'ү' | 'ұ' => 'у',
        'қ' => 'к',
        'ң' => 'н',
        'ғ' => 'г',
        'һ' => 'х',
        'і' | 'й' => 'и',
        // Full-width forms of Chinese keyboards (Unicode block FF00).
        '\u{ff01}'..='\u{ff5e}' => {
            return char::from_u32(u32::from(c) - 0xfee0).map(|c| c.to_ascii_lowercase());
        }
        '\u{3000}' => ' ',
        c => c,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_found_as_they_are_typed() {
        let titles =
            ["葡萄冬季修剪", "ئۈزۈمنى قىشتا پۇتاش", "Жүзімді қыста кесу", "Grape Pruning", "grape-pruning"];
        let texts = fold(&titles.join("\n"));
        let found = |query: &str| finds(&fold(query), &[&texts]);
        for query in [
            "葡萄",
            "冬季 grape",
            "ｇｒａｐｅ",
            "pruning GRAPE",
            "ئۇزۇم",
            "يوزوم",
            "жузим кыста",
            "ЖҮЗІМ",
            "",
        ] {
            assert!(found(query), "{query}");
        }
        for query in ["葡萄酒", "grape 玉米", "алма"] {
            assert!(!found(query), "{query}");
        }
    }

    proptest! {
        /// A text finds itself, and folding what is folded changes nothing.
        #[test]
        fn every_text_finds_itself(text in "\\PC{0,40}") {
            let folded = fold(&text);
            prop_assert_eq!(&fold(&folded), &folded);
            prop_assert!(finds(&folded, &[&folded]));
        }
    }
}
