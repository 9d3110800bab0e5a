select cast($1 * 100 as integer)
