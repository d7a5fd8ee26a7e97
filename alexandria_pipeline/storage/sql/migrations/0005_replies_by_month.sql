-- All answers of a month, refused ones too: what each generator gave and cost is shown with every run of a month.

create index generation_reply_month on generation_reply (year, month);
