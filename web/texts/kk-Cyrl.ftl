# What is missing here is said in Chinese.

site-name = Қашықтан оқыту
nav-home = Басты бет
nav-guide = Бағдарлама
nav-lessons = Сабақтар
nav-sites = Нүктелер
language-label = Тіл
home-title = Қазір эфирде
home-lessons = Сабақтар
home-all-lessons = Барлық сабақтар
guide-title = Бағдарлама
guide-today = Бүгін
guide-previous = Алдыңғы күн
guide-next = Келесі күн
now-label = Қазір
next-label = Келесі
player-play = Ойнату
script-play = Ойнату
script-pause = Тоқтату
lessons-title = Сабақтар
sites-title = Нүктелер
