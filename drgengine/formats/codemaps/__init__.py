"""Code editions (编码版本): the user's mapping tables applied exactly, grey codes, signs of the other edition."""
