"""What an owner commits to before publishing, how coins follow from it, and who could have foreseen them."""
