# What is missing here is said in Chinese.

site-name = قاشىقتان وقىتۋ
nav-home = باس بەت
nav-guide = باعدارلاما
nav-lessons = ساباقتار
nav-sites = نۇكتەلەر
language-label = ٴتىل
guide-today = بۇگىن
