"""What a person sees: a terminal in tmux, a pipe, and places that are neither."""
