# What is missing here is said in Chinese.

site-name = ᠠᠯᠤᠰ ᠤᠨ ᠰᠤᠷᠭᠠᠨ ᠬᠦᠮᠦᠵᠢᠯ
nav-lessons = ᠬᠢᠴᠢᠶᠡᠯ
language-label = ᠬᠡᠯᠡ
