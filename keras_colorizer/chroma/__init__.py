"""Between a photo of any size and the square that the network works on."""
