# What is missing here is said in Chinese.

site-name = ارالىقتان وقۇتۇۇ
nav-home = باش بەت
nav-lessons = ساباقتار
language-label = تىل
guide-today = بۉگۉن
